interface Answer {
  readonly uri?: string;
  readonly sentence?: string;
}

/** A folder could not be made, for this reason. */
export class FolderRefused extends Error {}

/** The folders that uploads go into: each is made once, after the one above it. */
export class UploadFolders {
  readonly #made = new Map<string, Promise<string>>();
  readonly #address: string;
  readonly #root: string;

  /** @param root uri of the folder that the page shows */
  constructor(address: string, root: string) {
    this.#address = address;
    this.#root = root;
  }

  /** @returns its uri @throws FolderRefused; TypeError when the connection broke */
  uriOf(folders: readonly string[]): Promise<string> {
    const name = folders.at(-1);
    if (name === undefined) return Promise.resolve(this.#root);
    const key = folders.join("/");
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = this.#make(folders.slice(0, -1), name);
    this.#made.set(key, made);
    made.catch(() => this.#made.delete(key));
    return made;
  }

  async #make(above: readonly string[], name: string): Promise<string> {
    const query = new URLSearchParams({ folder: await this.uriOf(above), name });
    const answered = await fetch(`${this.#address}/folders?${query}`, { method: "POST" });
    const { uri, sentence } = (await answered.json().catch(() => ({}))) as Answer;
    if (uri === undefined) throw new FolderRefused(sentence === undefined ? "" : `${name}: ${sentence}`);
    return uri;
  }
}
