# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame and the style of an HTML page that needs no network and no script: pure. PRIVATE to the collection."""

from __future__ import annotations

from html import escape

from .files import PAGE

CSS = """
:root {
  color-scheme: light dark;
  --page: #f4f6f9; --card: #ffffff; --ink: #16202c; --soft: #5b6878; --line: #e1e6ec; --sea: #eef2f7; --land: #c7d1dc;
  --ok: #14744a; --risk: #8a5c00; --unknown: #5b4bc4; --broken: #c1202d; --none: #5f6d7c;
  --ok-bg: #e3f4ec; --risk-bg: #fdf1d6; --unknown-bg: #ebe8fb; --broken-bg: #fde5e6; --none-bg: #eef1f4;
  --critical: #a3123a; --high: #c2571a; --medium: #97760a; --low: #2f7a5a; --informational: #5a7896;
  --shadow: 0 1px 2px rgb(22 32 44 / 6%), 0 8px 24px rgb(22 32 44 / 6%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e141b; --card: #161e27; --ink: #e6edf4; --soft: #93a1b1; --line: #263240; --sea: #111923; --land: #2e3c4c;
    --ok: #48c78e; --risk: #f0b429; --unknown: #a59bf5; --broken: #ff6b74; --none: #8a98a8;
    --ok-bg: #14322a; --risk-bg: #3a2e10; --unknown-bg: #2a2750; --broken-bg: #43191f; --none-bg: #1d2731;
    --critical: #ff5d7d; --high: #ff9a5c; --medium: #e2c04a; --low: #4fc492; --informational: #8aa9c9;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 36px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -.02em; margin: 6px 0 8px; text-wrap: balance; }
h2 { font-size: 18px; letter-spacing: -.01em; margin: 44px 0 14px; }
p { margin: 0; }
.kicker { color: var(--soft); font-size: 13px; letter-spacing: .04em; text-transform: uppercase; }
.soft { color: var(--soft); }
.tally { display: flex; flex-wrap: wrap; gap: 8px; margin: 18px 0 0; padding: 0; list-style: none; }
.tally li {
  display: flex; align-items: baseline; gap: 7px; padding: 5px 13px; border-radius: 999px; background: var(--card);
  border: 1px solid var(--line); font-size: 14px;
}
.tally b { font-variant-numeric: tabular-nums; }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shadow);
}
.map { margin-top: 26px; padding: 10px; overflow: hidden; }
.panels { display: flex; overflow: hidden; background: var(--sea); border-radius: 8px; }
.panels svg { display: block; min-width: 0; height: auto; }
.panels path { fill: none; stroke: var(--soft); }
.land { fill: var(--land); }
.spot { stroke: var(--card); stroke-width: 2; }
.halo { opacity: .22; }
.map text {
  font: 600 13px system-ui, "Noto Sans", "DejaVu Sans", sans-serif; fill: var(--ink); paint-order: stroke;
  stroke: var(--sea); stroke-width: 4px; stroke-linejoin: round;
}
summary:focus-visible { outline: 3px solid var(--unknown); outline-offset: 2px; border-radius: 6px; }
.ok { --tone: var(--ok); --tint: var(--ok-bg); }
.risk, .unlisted { --tone: var(--risk); --tint: var(--risk-bg); }
.unknown { --tone: var(--unknown); --tint: var(--unknown-bg); }
.broken, .uncovered { --tone: var(--broken); --tint: var(--broken-bg); }
.none { --tone: var(--none); --tint: var(--none-bg); }
svg .ok, svg .risk, svg .unlisted, svg .unknown, svg .broken, svg .none { fill: var(--tone); }
svg .uncovered { fill: var(--sea); stroke: var(--broken); stroke-width: 3; }
.dot { width: 9px; height: 9px; border-radius: 50%; background: var(--tone); flex: none; align-self: center; }
.dot.uncovered { background: none; border: 2.5px solid var(--broken); }
.findings { display: grid; gap: 14px; }
.finding { position: relative; overflow: hidden; padding: 16px 20px 17px 24px; }
.finding::before { content: ""; position: absolute; inset: 0 auto 0 0; width: 5px; background: var(--tone); }
.finding h3 { margin: 0 0 3px; font-size: 16px; line-height: 1.4; overflow-wrap: anywhere; }
.finding .tag {
  color: var(--tone); font-weight: 650; font-size: 12px; letter-spacing: .05em; text-transform: uppercase;
}
.finding dl { display: grid; grid-template-columns: 84px 1fr; gap: 3px 12px; margin: 8px 0 0; }
.finding dt { color: var(--soft); }
.finding dd { margin: 0; overflow-wrap: anywhere; }
.finding code { display: block; font-size: 13px; overflow-wrap: anywhere; }
.places { display: flex; flex-wrap: wrap; gap: 6px; margin: 0; padding: 0; list-style: none; }
.places li { padding: 1px 9px; border-radius: 6px; background: var(--tint); font-size: 13px; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 0; width: 100%; }
th, td { padding: 7px 5px; border-bottom: 1px solid var(--line); text-align: center; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-size: 12px; font-weight: 600; color: var(--soft); white-space: nowrap; vertical-align: bottom; }
thead th:first-child, tbody th { text-align: left; padding-left: 18px; }
tbody th { font-weight: 600; min-width: 230px; overflow-wrap: anywhere; }
tbody th small { display: block; font-weight: 400; font-size: 12.5px; color: var(--soft); }
th:last-child, td:last-child { padding-right: 16px; }
.cell {
  display: inline-grid; place-items: center; width: 28px; height: 26px; border-radius: 7px; background: var(--tint);
  color: var(--tone); font-weight: 700; font-size: 14px; cursor: help;
}
details { padding: 0 18px 0; }
summary { cursor: pointer; padding: 12px 0; color: var(--soft); }
details[open] summary { color: var(--ink); }
.requirements {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 6px 26px; padding: 0 0 18px;
}
.requirements p { padding: 4px 0; }
footer { margin-top: 40px; color: var(--soft); font-size: 13px; }
.CRITICAL { --tone: var(--critical); }
.HIGH { --tone: var(--high); }
.MEDIUM { --tone: var(--medium); }
.LOW { --tone: var(--low); }
.INFORMATIONAL { --tone: var(--informational); }
header + .card { margin-top: 22px; }
.numbers thead th:not(:first-child) { text-align: right; }
.numbers tbody th { white-space: nowrap; min-width: 0; }
.padded { padding: 18px 20px; }
.key { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0 0 12px; font-size: 13px; }
.key span { display: inline-flex; align-items: center; gap: 6px; }
.bars {
  display: grid; grid-template-columns: max-content 1fr max-content; gap: 9px 14px; align-items: center; margin: 0;
}
.bars dt { max-width: 46ch; overflow-wrap: anywhere; font-weight: 600; }
.bars dt small { display: block; font-weight: 400; color: var(--soft); }
.bars dd { margin: 0; }
.bars .number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
.bar { display: flex; gap: 1px; height: 20px; border-radius: 5px; overflow: hidden; background: var(--none-bg); }
.bar i { background: var(--tone, var(--informational)); }
.weeks { display: flex; align-items: flex-end; gap: 10px; margin: 0; padding: 0; list-style: none; overflow-x: auto; }
.weeks li { flex: 1; min-width: 44px; text-align: center; font-size: 13px; font-variant-numeric: tabular-nums; }
.weeks .column { display: flex; flex-direction: column; justify-content: flex-end; gap: 1px; height: 150px; }
.weeks .column i { background: var(--tone); min-height: 1px; }
.weeks .column i:first-child { border-radius: 5px 5px 0 0; }
.weeks small { display: block; color: var(--soft); white-space: nowrap; }
.now { background: var(--ok-bg); }
pre {
  margin: 12px 0 0; padding: 14px 16px; border-radius: 10px; background: var(--page); overflow-x: auto; font-size: 13px;
}
@media (max-width: 640px) {
  main { padding: 22px 14px 40px; }
  h1 { font-size: 24px; }
  .panels { flex-direction: column; gap: 12px; background: none; }
  .panels svg { background: var(--sea); border-radius: 8px; }
  tbody th { min-width: 160px; }
  .finding dl { grid-template-columns: 1fr; gap: 0; }
  .finding dd { margin-bottom: 6px; }
  .bars { grid-template-columns: 1fr max-content; gap: 2px 12px; }
  .bars dt { grid-column: 1 / -1; margin-top: 8px; }
}
@media print { body { background: #fff; } .card { box-shadow: none; break-inside: avoid; } }
"""


def page(title: str, summary: str, parts: list[str], playbook: str) -> str:
    """Return a page; its security policy forbids scripts. *title* and *summary* are texts, *parts* are HTML."""
    body = "\n".join(part for part in parts if part)
    return (
        f'{PAGE}<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<p class="kicker">Security Hub findings in chat</p>\n<h1>{escape(title)}</h1>\n'
        f'<p class="soft">{escape(summary)}</p>\n</header>\n{body}\n'
        f"<footer>Created by the playbook secops.securityhub.{playbook}, which changed nothing in AWS.</footer>\n"
        "</main>\n</body>\n</html>\n"
    )
