/** Whether a file name fits an output's pattern: `*` is any part of one name, `**` of several, `?` one character. */
export function matchesGlob(pattern: string, name: string): boolean {
  const source = pattern.replace(/\*\*|\*|\?|[\\^$.+()[\]{}|]/g, (token) => REGEXPS[token] ?? `\\${token}`);
  return new RegExp(`^${source}$`, 'u').test(name);
}

const REGEXPS: Record<string, string> = { '**': '.*', '*': '[^/]*', '?': '[^/]' };
