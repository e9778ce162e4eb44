/** An environment as a shell script: how parameters of any size come to the main container. */

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** One word of any POSIX sh. */
export const quote = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** `export NAME='value'` lines for any POSIX sh. Throws on a name that is none, and on a NUL, which no environment holds. */
export function envScript(env: Record<string, string>): string {
  const lines = Object.entries(env).map(([name, value]) => {
    if (!NAME.test(name)) throw new Error(`"${name}" cannot be the name of an environment variable`);
    if (value.includes('\0'))
      throw new Error(`The value of ${name} has a NUL, which no environment can hold`);
    return `export ${name}=${quote(value)}\n`;
  });
  return lines.join('');
}
