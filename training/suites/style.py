"""How the report looks, by day and by night; used by page.py alone."""

STYLE = """
:root{color-scheme:light dark;--ink:#26222b;--paper:#faf8f4;--soft:#6d6570;--line:#ddd6ca;
 --good:#1f6b45;--bad:#b3261e;--best:#e7f0e6;--link:#2b55a3;--card:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e9e4ee;--paper:#17151a;--soft:#a49dab;
 --line:#3a353f; --good:#7fd3a5;--bad:#ff9a8f;--best:#21352a;--link:#9db9f5;--card:#201d24}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1360px;padding:1.5rem 1rem 4rem;
 color:var(--ink);background:var(--paper)}
a{color:var(--link)}h1{font-size:1.7rem;margin:.2rem 0 .6rem}
h2{font-size:1.25rem;margin:2.6rem 0 .3rem;padding-top:.8rem;border-top:2px solid var(--line)}
h3{font-size:1rem;margin:1.4rem 0 .3rem}code{font-size:.85em;color:var(--soft)}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;padding:0;list-style:none}
.small,small{font-size:.8em;color:var(--soft)}.note,.none{color:var(--soft)}
.wide{overflow-x:auto}
table{border-collapse:collapse;margin:.4rem 0;font-variant-numeric:tabular-nums;font-size:.88em}
th,td{padding:.22rem .5rem;text-align:right;border-bottom:1px solid var(--line);
 vertical-align:bottom}td,tr>:first-child{white-space:nowrap}th{font-weight:600}
td small{display:block}
.all td small{display:inline}tr>:first-child{text-align:left;padding-left:0}
tr.truth th,tr.truth td{color:var(--soft);font-style:italic}
.best{background:var(--best);font-weight:650}.good{color:var(--good)}.bad{color:var(--bad)}
.mark{background:#f5d76e;color:#3b2f00;padding:0 .35rem;border-radius:3px}
figure{margin:1.1rem 0;padding:.7rem;background:var(--card);border:1px solid var(--line);
 border-radius:6px}
figure:target{outline:3px solid var(--link)}figcaption{margin-bottom:.4rem}
img{display:block;max-width:100%;height:auto;border-radius:3px}
details{margin-top:.4rem}summary{cursor:pointer;color:var(--soft)}
dt{font-weight:600;margin-top:.5rem}dd{margin:0}
"""
