import { Marked } from "marked";
import { STYLE } from "../services/exporter/src/style.ts";

/**
 * The runbook as a page of HTML that needs nothing else, for the exporter to serve: what alerts and dashboard link to
 * is then the version that was deployed, and there without the Internet.
 *
 * @param markdown text of docs/runbook.md
 */
export function runbookPage(markdown: string): string {
  const marked = new Marked({
    renderer: {
      heading({ tokens, text, depth }) {
        return `<h${depth} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
    },
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Runbook</title>
<style>${STYLE}${PROSE}</style>
</head>
<body>
<section>
${marked.parse(markdown, { async: false })}</section>
</body>
</html>
`;
}

/** What the style of the landing page lacks for text. */
const PROSE = `
h1 { margin: 0; } section h2 { margin: 2rem 0 .5rem; } h3 { margin: 1.5rem 0 .5rem; } :target { color: var(--warn); }
pre { overflow-x: auto; padding: .75rem 1rem; border-radius: .5rem; background: var(--paper); }
`;

/** The anchor that Markdown viewers give a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}
