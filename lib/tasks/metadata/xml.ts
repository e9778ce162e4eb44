/** XML from a tree: as much as metadata documents need. */

/** Text, nested elements in order, or nothing (left out). */
export type XmlContent = string | number | boolean | XmlElement[] | undefined;
export type XmlElement = readonly [name: string, content: XmlContent];

/** A document with this root element. Elements without content are left out: schemas ask for at least one character. */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, '').join('\n')}\n`;
}

function element([name, content]: XmlElement, indent: string): string[] {
  if (content === undefined || content === '') return [];
  if (!Array.isArray(content)) return [`${indent}<${name}>${escape(String(content))}</${name}>`];
  const inner = content.flatMap((child) => element(child, `${indent}  `));
  return inner.length === 0 ? [] : [`${indent}<${name}>`, ...inner, `${indent}</${name}>`];
}

/** Characters that XML 1.0 cannot hold at all become U+FFFD. */
const escape = (text: string): string =>
  text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
