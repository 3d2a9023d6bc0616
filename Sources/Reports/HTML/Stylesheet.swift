/// The page's style sheet: no font, image or rule from anywhere else.
///
/// Colours were chosen for a contrast of at least 4.5 (text) and 3 (lines and areas) on both backgrounds, and differ in lightness too,
/// so that they can be told apart by readers who do not see red and green, and on paper.
enum Stylesheet {
  static let text = """
    :root{--bg:#fff;--panel:#f6f7f9;--ink:#1b1f24;--ink2:#555e68;--line:#d5dae0;--grid:#e6e9ed;
    --c0:#1f5fbf;--c1:#1a7f4b;--c2:#b35900;--c3:#b3261e;--c4:#6b4fbb;--c5:#0b7285;--grey:#8a949e;
    --good:#1a7f4b;--doubt:#b37400;--bad:#c0271d;--goodbg:#e5f5eb;--doubtbg:#fdf1d8;--badbg:#fde8e6;--goodink:#0f5530;--doubtink:#6b4500;--badink:#8c1b13}
    @media(prefers-color-scheme:dark){:root{--bg:#14171b;--panel:#1d2126;--ink:#e8eaed;--ink2:#a9b2bc;--line:#3a414a;--grid:#2b3138;
    --c0:#7ab0ff;--c1:#5fd39a;--c2:#ffb15e;--c3:#ff8a80;--c4:#c0a6ff;--c5:#59cfe0;--grey:#7b858f;
    --good:#4fc58b;--doubt:#e6b04c;--bad:#ff7b70;--goodbg:#12301f;--doubtbg:#352a10;--badbg:#3d1815;--goodink:#a5e8c4;--doubtink:#f6d797;--badink:#ffc0ba}}
    *{box-sizing:border-box}
    body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
    main{max-width:960px;margin:0 auto;padding:16px}
    header.verdict{border-radius:10px;padding:16px 20px;margin-bottom:12px}
    header.verdict p{margin:4px 0 0;font-size:17px}
    .verdict.good{background:var(--goodbg);color:var(--goodink)}.verdict.doubt{background:var(--doubtbg);color:var(--doubtink)}
    .verdict.bad{background:var(--badbg);color:var(--badink)}
    h1{font-size:22px;line-height:1.25;margin:0}h1 .word{letter-spacing:.03em}
    h2{font-size:18px;margin:32px 0 6px;padding-top:14px;border-top:1px solid var(--line)}
    h3{font-size:15px;margin:18px 0 4px}
    p{margin:6px 0}.note,.meta{color:var(--ink2);font-size:14px}
    dl.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:8px;margin:12px 0}
    dl.tiles div{background:var(--panel);border-radius:8px;padding:8px 12px}
    dl.tiles dt{color:var(--ink2);font-size:13px}dl.tiles dd{margin:0;font-size:19px;font-weight:600;font-variant-numeric:tabular-nums}
    dl.tiles dd small{font-size:12px;font-weight:400;color:var(--ink2);display:block}
    dl.facts{display:grid;grid-template-columns:minmax(110px,max-content) 1fr;gap:3px 16px;margin:8px 0}
    dl.facts dt{color:var(--ink2)}dl.facts dd{margin:0;overflow-wrap:anywhere}
    .scroll{overflow-x:auto;margin:8px 0}
    table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
    caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
    th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid var(--grid);vertical-align:top;font-weight:400}
    th:last-child,td:last-child{padding-right:0}
    tbody th{font-weight:600}thead th{color:var(--ink2);font-size:13px;white-space:nowrap}
    .n{text-align:right;white-space:nowrap}td.text,.text{overflow-wrap:anywhere;min-width:150px}
    td.good,th.good{color:var(--good);font-weight:600}td.doubt,th.doubt{color:var(--doubt);font-weight:600}td.bad,th.bad{color:var(--bad);font-weight:600}
    .faint{color:var(--ink2)}code,.ids{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
    figure{margin:8px 0 4px}figure svg{display:block;width:100%;height:auto}svg.narrow{display:none}
    figcaption{color:var(--ink2);font-size:14px;margin-top:2px}
    details{margin:6px 0}summary{cursor:pointer;color:var(--ink2);font-size:14px}
    ul.patterns{margin:4px 0 0;padding-left:18px}
    .spark{width:120px;height:22px;display:block}
    .t{font-size:12px;fill:var(--ink2)}.h{font-size:12.5px;fill:var(--ink);font-weight:600}
    .grid{stroke:var(--grid);fill:none}.axis{stroke:var(--grey);fill:none}
    .s{fill:none;stroke-width:2;stroke-linejoin:round}.thin{stroke-width:1}.dash{stroke-dasharray:2 4}
    .s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}.s4{stroke:var(--c4)}.s5{stroke:var(--c5)}
    .smax{stroke:var(--grey);stroke-width:1}.asked{stroke:var(--ink2);stroke-dasharray:5 4;stroke-width:1.5}.deadline{stroke:var(--bad);stroke-dasharray:5 4;stroke-width:1.5}
    .b{fill-opacity:.22}.b0{fill:var(--c0)}.b1{fill:var(--c1)}.b2{fill:var(--c2)}.b3{fill:var(--c3)}.b4{fill:var(--c4)}.b5{fill:var(--c5)}
    .f0{fill:var(--c0)}.f5{fill:var(--c5)}.f-wait{fill:var(--c2)}.f-good{fill:var(--good)}.f-doubt{fill:var(--doubt)}.f-bad{fill:var(--bad)}.f-grey{fill:var(--grey)}
    .soft{fill-opacity:.5}.group{fill:none;stroke:var(--grey);stroke-dasharray:3 2}.ribbon{fill:var(--grey);fill-opacity:.25}
    .m-warm{fill:var(--grey);fill-opacity:.16}.m-doubt{fill:var(--doubt);fill-opacity:.22}.m-gap{fill:var(--bad);fill-opacity:.2}.m-alert{fill:var(--c5);fill-opacity:.18}.m-stall{fill:var(--c3);fill-opacity:.2}.m-pool{fill:var(--c2);fill-opacity:.16}
    .key{display:inline-block;width:12px;height:12px;border-radius:2px;margin:0 5px 0 12px;vertical-align:-1px}
    .k-warm{background:var(--grey);opacity:.5}.k-doubt{background:var(--doubt);opacity:.6}.k-gap{background:var(--bad);opacity:.55}.k-alert{background:var(--c5);opacity:.5}.k-stall{background:var(--c3);opacity:.55}.k-pool{background:var(--c2);opacity:.5}.k-wait{background:var(--c2)}.k-service{background:var(--c0)}.k-hop{background:var(--c5)}
    footer{margin-top:36px;padding-top:10px;border-top:1px solid var(--line);color:var(--ink2);font-size:13px}
    @media(max-width:640px){main{padding:12px 16px}header.verdict{padding:12px 14px}h1{font-size:19px}header.verdict p{font-size:15px}
    svg.wide{display:none}svg.narrow{display:block}dl.tiles{grid-template-columns:1fr 1fr}dl.facts{grid-template-columns:1fr}dl.facts dt{margin-top:4px}}
    @media print{:root{--bg:#fff;--panel:#f6f7f9;--ink:#000;--ink2:#444;--line:#bbb;--grid:#ddd;
    --c0:#1f5fbf;--c1:#1a7f4b;--c2:#b35900;--c3:#b3261e;--c4:#6b4fbb;--c5:#0b7285;--grey:#777;--good:#1a7f4b;--doubt:#b37400;--bad:#c0271d;
    --goodbg:#e5f5eb;--doubtbg:#fdf1d8;--badbg:#fde8e6;--goodink:#0f5530;--doubtink:#6b4500;--badink:#8c1b13}
    *{-webkit-print-color-adjust:exact}body{font-size:11pt}main{max-width:none;padding:0}
    figure,tr,header.verdict,dl.tiles div{break-inside:avoid}h2,h3{break-after:avoid}.scroll{overflow:visible}
    svg.wide{display:block}svg.narrow{display:none}}
    """
}
