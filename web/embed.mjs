// The built page (a folder) -> a C++ source with every file in it, gzipped: node web/embed.mjs FOLDER FILE.
// The same files give the same source, byte for byte, so that nothing is compiled again without need.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const [folder, output] = process.argv.slice(2);

function files(where) {
  return readdirSync(where, { withFileTypes: true }).flatMap((entry) => {
    const path = join(where, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
}

// Octal escapes have three digits at most, so no digit behind one can be taken for a part of it.
function literal(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 32) {
    const line = [...bytes.subarray(at, at + 32)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`);
    lines.push(`    "${line.join('')}"`);
  }
  return lines.join('\n');
}

const rows = files(folder)
  .map((file) => ({ path: `/${relative(folder, file)}`, bytes: readFileSync(file) }))
  .sort((a, b) => (a.path < b.path ? -1 : 1))
  .map(({ path, bytes }) => {
    const type = TYPES[extname(path)];
    if (!type) throw new Error(`${path}: of which type is it? See TYPES in embed.mjs`);
    const packed = gzipSync(bytes, { level: 9 });
    packed[9] = 255; // the system it was made on: of no use, and not the same everywhere
    const etag = createHash('sha256').update(bytes).digest('hex').slice(0, 20);
    const hashed = path.startsWith('/assets/');
    return `  {"${path}", "${type}", "\\"${etag}\\"", ${hashed}, std::string_view(\n${literal(packed)},\n    ${packed.length})},`;
  });

writeFileSync(
  output,
  `// Made by web/embed.mjs.
#include "serve/page/bundle.h"

namespace sluice::serve {
namespace {
constexpr PageFile kFiles[] = {
${rows.join('\n')}
};
}  // namespace

std::span<const PageFile> Bundle() { return kFiles; }
}  // namespace sluice::serve
`,
);
