import { crc32, deflateRawSync } from "node:zlib";

/** 1 January 2026, as MS-DOS writes a date: the same file each time. */
const date = ((2026 - 1980) << 9) | (1 << 5) | 1;
/** Names are UTF-8. */
const utf8Names = 1 << 11;
const deflated = 8;
/** What is needed to unpack it: version 2.0. */
const neededVersion = 20;

/** A zip file of some small text files, in their order. @see APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16 */
export function zipFile(files: readonly (readonly [name: string, text: string])[]): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of files) {
    const plain = Buffer.from(text);
    const packed = deflateRawSync(plain);
    const nameBytes = Buffer.from(name);
    // What a file's own header and the directory at the end both say of it.
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(neededVersion, 0);
    facts.writeUInt16LE(utf8Names, 2);
    facts.writeUInt16LE(deflated, 4);
    facts.writeUInt16LE(date, 8);
    facts.writeUInt32LE(crc32(plain), 10);
    facts.writeUInt32LE(packed.length, 14);
    facts.writeUInt32LE(plain.length, 18);
    facts.writeUInt16LE(nameBytes.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), facts, nameBytes, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    const madeBy = Buffer.from([neededVersion, 0]);
    entries.push(Buffer.concat([Buffer.from("PK\x01\x02", "latin1"), madeBy, facts, rest, nameBytes]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from("PK\x05\x06", "latin1"), end]);
}
