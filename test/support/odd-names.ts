// Names of files as they are met, in bytes, and what becomes of each: `archive` in a zip or tar that does not say how its
// names are encoded, `listed` in a folder, a git tree or an FTP server, whose names are UTF-8 unless something else is said.
// Null: refused by name. Every source of packages walks all rows.
interface OddName {
  what: string;
  bytes: Buffer;
  archive: string | null;
  listed: string | null;
  /** Where names are said to be GBK. */
  gbk: string | null;
}

const utf8 = (name: string): Buffer => Buffer.from(name);
const hex = (bytes: string, rest = ''): Buffer => Buffer.concat([Buffer.from(bytes, 'hex'), Buffer.from(rest)]);

const row = (what: string, bytes: Buffer, archive: string | null, listed: string | null, gbk: string | null) => ({
  what,
  bytes,
  archive,
  listed,
  gbk,
});

export const oddNames: readonly OddName[] = [
  row('Chinese in UTF-8', utf8('应用.yml'), '应用.yml', '应用.yml', '搴旂敤.yml'),
  row('Latin in UTF-8', utf8('caf\u00e9.txt'), 'café.txt', 'café.txt', 'caf茅.txt'),
  row('four bytes of UTF-8', utf8('\u{1f680}'), '\u{1f680}', '\u{1f680}', '馃殌'),
  row('a byte order mark before a name', utf8('\ufeffx.txt'), '\ufeffx.txt', '\ufeffx.txt', '锘縳.txt'),
  row('a hard blank at the end', utf8('x\u00a0'), 'x\u00a0', 'x\u00a0', 'x聽'),
  row('blanks and a comma', utf8('a  b, c.txt'), 'a  b, c.txt', 'a  b, c.txt', 'a  b, c.txt'),
  row('Chinese in GBK', hex('b1a8b1ed', '.txt'), '报表.txt', null, '报表.txt'),
  row('GBK with a byte like a backslash', hex('815c', '.txt'), '乗.txt', null, '乗.txt'),
  row('GBK with a byte like a hard blank', hex('81a0', '.txt'), '仩.txt', null, '仩.txt'),
  row('GBK that is valid as UTF-8', hex('d2bb', '.txt'), '\u04bb.txt', '\u04bb.txt', '一.txt'),
  row('Latin-1', hex('636166e9', '.txt'), null, null, null),
  row('no encoding at all', hex('ff61'), null, null, null),
];
