"""How a report looks."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2127; --soft: #5d6570; --rule: #dde1e6;
  --panel: #f6f7f9; --correct: #2f6fb5; --offered: #9cc2ea; --misoffered: #dcc07a; --silent: #b4b9c1;
  --wrong: #c8404f; --foreign: #d07a1f; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e6e9ee; --soft: #9aa3af;
  --rule: #30363e; --panel: #1c2026; --correct: #62a4ea; --offered: #2f5e8e; --misoffered: #8d7233;
  --silent: #596069; --wrong: #ee7280; --foreign: #e8984a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.6rem; margin: 0 0 12px; }
h2 { font-size: 1.1rem; margin: 0 0 4px; }
section { margin-top: 36px; min-width: 0; }
section > p { margin: 0 0 12px; color: var(--soft); font-size: .9rem; max-width: 70ch; }
small { display: block; color: var(--soft); font-size: .8rem; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .88em; }
dl { display: flex; flex-wrap: wrap; gap: 6px 28px; margin: 0; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 20px; }
.tile { background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 12px 14px; }
.tile b { display: block; font-size: 1.7rem; font-weight: 600; line-height: 1.2; }
.tile span { display: block; font-size: .9rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 0 40px; }
svg { display: block; width: 100%; max-width: 560px; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 11px; }
.grid { stroke: var(--rule); }
.axis { stroke: var(--soft); }
.ideal { stroke: var(--soft); stroke-dasharray: 4 4; }
.whisker { stroke: var(--correct); stroke-width: 1.5; opacity: .55; }
.dot { fill: var(--correct); stroke: var(--paper); stroke-width: 1.5; }
.curve { fill: none; stroke: var(--correct); stroke-width: 2; stroke-linejoin: round; }
.ring { fill: var(--paper); stroke: var(--wrong); stroke-width: 2.5; }
.in_scope, .correct { fill: var(--correct); background: var(--correct); }
.foreign { fill: var(--foreign); background: var(--foreign); }
.offered { fill: var(--offered); background: var(--offered); }
.misoffered, .foreign_offered { fill: var(--misoffered); background: var(--misoffered); }
.silent, .foreign_silent { fill: var(--silent); background: var(--silent); }
.wrong, .false_answers { fill: var(--wrong); background: var(--wrong); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 0; margin: 10px 0 0;
  font-size: .85rem; color: var(--soft); }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: .8rem; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--rule); vertical-align: top;
  overflow-wrap: anywhere; }
td { font-variant-numeric: tabular-nums; }
q { display: block; quotes: none; padding-bottom: 4px; }
.nothing { color: var(--soft); }
@media (max-width: 640px) {
  thead { display: none; }
  tr { display: block; padding: 8px 0; border-bottom: 1px solid var(--rule); }
  td { display: grid; grid-template-columns: 7.5rem 1fr; gap: 10px; border: 0; padding: 2px 0; }
  td:empty { display: none; }
  td::before { content: attr(data-name); color: var(--soft); font-size: .8rem; }
}
@media print { section { break-inside: avoid; } }
"""
