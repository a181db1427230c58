//! The pages in a browser: no error, no request, nothing cut off, charts that zoom; and pictures to look at.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::folder::Folder;

/// A telephone, and a desk.
const WIDTHS: [u32; 2] = [390, 1_400];

/// What a picture shows of the page.
const HEIGHT: u32 = 6_000;

/// Stands before all else in the page: writes down what goes wrong, and at the end what the page looks like.
const PROBE: &str = r#"<script>
const seen = { errors: [] };
const wrong = (what) => seen.errors.push(String(what));
addEventListener("error", (event) => wrong(event.message));
addEventListener("unhandledrejection", (event) => wrong(event.reason));
addEventListener("securitypolicyviolation", (event) => wrong(event.violatedDirective));
console.error = wrong;
console.warn = wrong;
addEventListener("load", () => {
  const root = document.documentElement;
  seen.width = innerWidth;
  seen.scroll = Math.max(root.scrollWidth, document.body.scrollWidth);
  seen.cut = [...document.querySelectorAll("main *")]
    .filter((element) => !element.closest(".scroll, pre, svg, .plot"))
    .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
    .map((element) => element.tagName + "." + element.className);
  seen.sideways = [...document.querySelectorAll(".scroll, pre")]
    .filter((element) => element.scrollWidth > element.clientWidth + 1)
    .map((element) => element.closest("section").id);
  seen.wrapped = [...document.querySelectorAll(".study td:first-child")]
    .filter((cell) => cell.getClientRects()[0].height > 40).length;
  seen.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  seen.polylines = document.querySelectorAll("polyline").length;
  seen.ranges = document.querySelectorAll(".ranges s").length;
  const plot = document.querySelector(".plot[data-from]");
  if (plot) {
    const svg = plot.querySelector("svg");
    seen.boxes = [svg.getAttribute("viewBox")];
    const box = plot.getBoundingClientRect();
    plot.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width / 3, clientY: box.top + 9 }));
    seen.tip = plot.querySelector(".tip").textContent;
    const priced = document.querySelector("[data-candles] .plot[data-from]");
    if (priced) {
      const room = priced.getBoundingClientRect();
      const at = { clientX: room.left + room.width / 2, clientY: room.top + 9 };
      priced.dispatchEvent(new PointerEvent("pointermove", at));
      seen.bar = priced.querySelector(".tip").textContent;
    }
    const drag = (kind, share) => plot.dispatchEvent(new PointerEvent(kind, {
      clientX: box.left + share * box.width, clientY: box.top + 60, button: 0, pointerId: 1, pointerType: "mouse",
    }));
    plot.setPointerCapture = () => {};
    drag("pointerdown", 0.2);
    drag("pointermove", 0.5);
    seen.chosen = [plot.querySelector(".chosen").style.width];
    drag("pointercancel", 0.5);
    drag("pointermove", 0.7);
    drag("pointerup", 0.7);
    seen.chosen.push(plot.querySelector(".chosen").style.width);
    seen.cancelled = svg.getAttribute("viewBox");
    plot.querySelector("[title='zoom in']").click();
    seen.boxes.push(svg.getAttribute("viewBox"));
    plot.querySelector("[title=later]").click();
    seen.boxes.push(svg.getAttribute("viewBox"));
    plot.querySelector("[title='show all']").click();
    seen.boxes.push(svg.getAttribute("viewBox"));
  }
  parent.postMessage(encodeURIComponent(JSON.stringify(seen)), "*");
});
</script>"#;

fn browser() -> Option<Command> {
    let name = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success()));
    let Some(name) = name else {
        let is_required = std::env::var_os("ENGINE_REQUIRES_CHROMIUM").is_some();
        assert!(!is_required, "ENGINE_REQUIRES_CHROMIUM is set and there is no chromium");
        println!("skipped: no chromium on this machine");
        return None;
    };
    let mut command = Command::new(name);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--disable-dev-shm-usage",
    ]);
    command.args(["--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=4000"]);
    Some(command)
}

/// Where pictures stay when the test is over.
fn pictures() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// The narrowest window of the browser; narrower pages stand in a frame.
const WINDOW_WIDTH_MIN: u32 = 500;

/// A window around a frame of `width` that shows `page`, and writes down what the page sends.
fn framed(folder: &Folder, page: &str, width: u32) -> Command {
    let name = format!("framed-{page}");
    folder.write(
        &name,
        &format!(
            "<!doctype html><body style=\"margin:0\"><script>addEventListener(\"message\", (event) => \
             (document.body.dataset.seen = event.data));</script><iframe src=\"{page}\" \
             style=\"display:block;border:0;width:{width}px;height:{HEIGHT}px\"></iframe>"
        ),
    );
    let mut command = browser().unwrap();
    command.arg(format!("--user-data-dir={}", folder.path("profile").display()));
    command.arg(format!("--window-size={},{HEIGHT}", width.max(WINDOW_WIDTH_MIN)));
    command.arg(format!("file://{}", folder.path(&name).display()));
    command
}

/// What the page says of itself at `width`, after a picture of it was taken.
fn looked_at(folder: &Folder, page: &str, width: u32) -> Value {
    let picture = pictures().join(format!("{}-{width}.png", page.trim_end_matches(".html")));
    let shot =
        framed(folder, page, width).arg(format!("--screenshot={}", picture.display())).output().unwrap();
    assert!(shot.status.success() && picture.is_file(), "{}", String::from_utf8_lossy(&shot.stderr));
    let html = std::fs::read_to_string(folder.path(page)).unwrap();
    let probed = format!("probed-{page}");
    folder.write(&probed, &html.replacen("<head>", &format!("<head>{PROBE}"), 1));
    let dump = framed(folder, &probed, width).arg("--dump-dom").output().unwrap();
    let dom = String::from_utf8(dump.stdout).unwrap();
    let seen = dom.split("data-seen=\"").nth(1).and_then(|rest| rest.split('"').next());
    serde_json::from_str(&unescaped(seen.unwrap())).unwrap()
}

/// What `encodeURIComponent` made of a text, read back.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn sound(seen: &Value, width: u32) {
    assert_eq!(seen["errors"], serde_json::json!([]), "{seen}");
    assert_eq!(seen["requests"], serde_json::json!([]), "{seen}");
    assert_eq!(seen["width"], width, "{seen}");
    assert!(seen["scroll"].as_u64().unwrap() <= u64::from(width), "{seen}");
    assert_eq!(seen["cut"], serde_json::json!([]), "{seen}");
}

#[test]
fn a_report_is_whole_on_a_telephone_and_at_a_desk_and_its_charts_zoom() {
    if browser().is_none() {
        return;
    }
    let folder = Folder::new();
    folder.write("c.toml", &format!("{}[conductor]\nkind = \"rule\"\n", crate::configuration::ENSEMBLE));
    folder.text("synth --dataset data --seed 3 --bars 1500 --interval 1d");
    folder.text("backtest c.toml --run a --dataset data --report report.html --since 2026-01-01");
    for width in WIDTHS {
        let seen = looked_at(&folder, "report.html", width);
        sound(&seen, width);
        let boxes = seen["boxes"].as_array().unwrap();
        assert_eq!((&boxes[0], &boxes[3]), (&"0 0 1000 300".into(), &"0 0 1000 300".into()), "{seen}");
        assert!(
            boxes[1].as_str().unwrap().starts_with("250 ") && boxes[2].as_str().unwrap().starts_with("500 ")
        );
        let chosen = seen["chosen"].as_array().unwrap();
        assert!(chosen[0].as_str().unwrap().starts_with("30"), "{seen}");
        assert_eq!(
            (&chosen[1], &seen["cancelled"]),
            (&"0px".into(), &boxes[0]),
            "a pointer taken away: {seen}"
        );
        let tip = seen["tip"].as_str().unwrap();
        assert!(tip.contains("UTC") && tip.contains("strategy ≈") && tip.contains("buy and hold ≈"), "{tip}");
        let bar = seen["bar"].as_str().unwrap();
        for told in ["\nO ", "  H ", "\nL ", "  C ", " to 20"] {
            assert!(bar.contains(told), "{told}: {bar}");
        }
        assert!(seen["polylines"].as_u64().unwrap() >= 10, "{seen}");
    }
    let html = std::fs::read_to_string(folder.path("report.html")).unwrap();
    for part in [
        "Largest drawdowns",
        "Rolling Sharpe",
        "Exposure",
        "By regime",
        "Return by calendar year",
        "since 2026-01-01",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn a_study_page_is_whole_on_a_telephone_and_at_a_desk() {
    if browser().is_none() {
        return;
    }
    let folder = Folder::new();
    for (seed, symbol) in [(1, "BTCUSDT"), (2, "ETHUSDT"), (3, "SOLUSDT")] {
        folder.text(&format!(
            "synth --dataset data --seed {seed} --bars 700 --interval 1d --venue binance --instrument {symbol}"
        ));
    }
    let asked = "--span 2024-06-01..2025-06-01 --span 2025-01-01..";
    let study =
        folder.answer(&format!("study ensemble --dataset data --draws 100 --html study.html {asked}"));
    assert_eq!(study["rows"].as_array().unwrap().len(), 6);
    assert_eq!(study["rows"][0]["to"], "2025-05-31");
    assert_eq!(study["rows"][1]["to"], "2025-11-30");
    for width in WIDTHS {
        let seen = looked_at(&folder, "study.html", width);
        sound(&seen, width);
        assert_eq!(seen["wrapped"], 0, "the spans stand on one line: {seen}");
        assert_eq!(seen["ranges"], 18, "{seen}");
        if width == 1_400 {
            assert_eq!(seen["sideways"], serde_json::json!([]), "tables and commands fit at a desk: {seen}");
        }
    }
}
