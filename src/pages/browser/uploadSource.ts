// What a person has chosen or dropped: files, each with the folders it lies in.

export interface ChosenFile {
  readonly file: File;
  /** Names of the folders above it, from the chosen one; empty for a file that was chosen itself. */
  readonly folders: readonly string[];
}

export interface Chosen {
  readonly files: readonly ChosenFile[];
  /** Folders with nothing in them, each as the names down to it. */
  readonly emptyFolders: readonly (readonly string[])[];
}

/** From a file field; browsers name the way to a file only where a folder was chosen. */
export function chosenIn(field: HTMLInputElement): Chosen {
  const files = [...(field.files ?? [])].map((file) => ({
    file,
    folders: file.webkitRelativePath.split("/").slice(0, -1),
  }));
  return { files, emptyFolders: [] };
}

/** What was dropped, folders with all that is in them. Must be called in the event itself, which empties the list. */
export async function droppedIn(transfer: DataTransfer | null): Promise<Chosen> {
  const items = [...(transfer?.items ?? [])].map((item) => ({
    file: item.getAsFile(),
    entry: item.webkitGetAsEntry(),
  }));
  const found = await Promise.all(
    items.map(({ file, entry }) => {
      if (entry?.isDirectory === true) return inFolder(entry as FileSystemDirectoryEntry, [entry.name]);
      return { files: file === null ? [] : [{ file, folders: [] }], emptyFolders: [] };
    }),
  );
  return together(found);
}

async function inFolder(folder: FileSystemDirectoryEntry, path: readonly string[]): Promise<Chosen> {
  const entries = await entriesOf(folder);
  if (entries.length === 0) return { files: [], emptyFolders: [path] };
  const found: Chosen[] = [];
  for (const entry of entries) {
    if (entry.isDirectory) found.push(await inFolder(entry as FileSystemDirectoryEntry, [...path, entry.name]));
    else {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      found.push({ files: [{ file, folders: path }], emptyFolders: [] });
    }
  }
  return together(found);
}

/** A reader returns some at a time, and none at the end. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<readonly FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<readonly FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function together(found: readonly Chosen[]): Chosen {
  return {
    files: found.flatMap(({ files }) => files),
    emptyFolders: found.flatMap(({ emptyFolders }) => emptyFolders),
  };
}
