/**
 * Addresses as they may be shown, in whatever text they stand: without what lets in. Up to the last @ of an address, since a
 * password may hold one, or a slash; too much may be taken out, never too little. O(characters).
 * @param instead what stands in the place of credentials, such as `***@`
 */
export function withoutCredentials(text: string, instead = ""): string {
  const parts = text.split(/([,\s]+)/).map((part) => {
    const at = part.lastIndexOf("@");
    if (at === -1) return part;
    const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(part)?.[0] ?? "";
    return `${scheme}${instead}${part.slice(at + 1)}`;
  });
  return parts.join("");
}

/** Named values as they may be shown: of secrets that they are there, of addresses all but their credentials. */
export function redacted<T extends object>(values: T, isSecret: (name: string) => boolean): T {
  const shown = Object.entries(values).map(([name, value]) => {
    if (value !== undefined && isSecret(name)) return [name, "***"];
    return [name, typeof value === "string" ? withoutCredentials(value, "***@") : value];
  });
  return Object.fromEntries(shown) as T;
}
