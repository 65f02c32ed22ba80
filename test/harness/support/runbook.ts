/** The shell commands of a Markdown text's `bash` blocks, block by block. */
export function shellBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, commands]) => commands ?? "");
}
