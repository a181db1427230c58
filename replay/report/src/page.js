// Values under the pointer, zoom and pan. The page is complete without it: values are read back from the drawn lines, so
// nothing is stored twice; only of bars the four prices stand beside their chart. Charts of the same time move together. Drag zooms, Shift and drag pans, a double click shows
// all again; the buttons do the same without a pointer.
"use strict";
(() => {
  const WIDTH = 1000;
  const HEIGHT = 300;
  const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 6 });
  const percent = (share) => `${(share * 100).toFixed(2)}%`;
  const place = (element, side) => parseFloat(element.style[side]) / 100;
  const moment = (millis) => new Date(millis).toISOString().replace("T", " ");

  // The bars of each column of a chart: when they end (in milliseconds from its beginning), their prices, how many. Written as
  // what changes from one to the next, to the base 36, in whole numbers that may be larger than a double holds.
  const whole = (text = "") => {
    const size = [...text.replace("-", "")].reduce((sum, digit) => sum * 36n + BigInt(parseInt(digit, 36)), 0n);
    return text.startsWith("-") ? -size : size;
  };
  const candlesOf = (plot) => {
    const text = plot.closest("[data-candles]")?.dataset.candles;
    if (!text) return [];
    const [head, ...rows] = text.split(";");
    const [places, step] = head.split(",").map(Number);
    const price = (units) => {
      const digits = String(units < 0n ? -units : units).padStart(places + 1, "0");
      const point = digits.length - places;
      return `${units < 0n ? "-" : ""}${digits.slice(0, point)}${places > 0 ? `.${digits.slice(point)}` : ""}`;
    };
    let [end, wait, close, bars] = [0, 0, 0n, 1];
    return rows.map((row) => {
      const [longer, opens, rises, falls, moves, more] = row.split(",").map(whole);
      const open = close + (opens ?? 0n);
      wait += Number(longer);
      end += wait * step;
      close = open + (moves ?? 0n);
      bars += Number(more ?? 0n);
      return { end, bars, prices: [open, open + (rises ?? 0n), open - (falls ?? 0n), close].map(price) };
    });
  };

  const chartOf = (plot) => {
    const { low, high, spread, unit } = plot.dataset;
    const from = +plot.dataset.from;
    const to = +plot.dataset.to;
    const svg = plot.querySelector("svg");
    const grid = plot.querySelector(".grid");
    const drawn = { grid: grid.innerHTML, words: [...plot.querySelectorAll("span.x, span.y")] };
    const marks = [...plot.querySelectorAll("i.buy, i.sell")].map((mark) => ({
      mark, x: place(mark, "left"), y: place(mark, "top"),
    }));
    const lines = [...plot.querySelectorAll("polyline[data-name]")].reverse().map((line) => ({
      name: line.dataset.name,
      points: [...line.points].map((point) => [point.x / WIDTH, point.y / HEIGHT]),
    }));
    return {
      plot, svg, grid, drawn, marks, lines, from, to, unit, added: [], candles: candlesOf(plot),
      cursor: plot.querySelector(".cursor"), tip: plot.querySelector(".tip"),
      // The part that is shown, in shares of the whole drawing.
      x: [0, 1], y: [0, 1],
      value: (y) => (spread === "log" ? low * Math.pow(high / low, 1 - y) : +low + (1 - y) * (high - low)),
      millis: (x) => from + x * (to - from),
    };
  };
  const charts = [...document.querySelectorAll(".plot[data-from]")].map(chartOf);

  const label = (chart, side, text, share) => {
    const span = document.createElement("span");
    span.className = side;
    span.textContent = text;
    span.style[side === "x" ? "left" : "top"] = percent(share);
    chart.plot.append(span);
    chart.added.push(span);
  };

  // Evenly spaced labels: what they say is exact, so they need not be round.
  const labelled = (chart) => {
    const [x0, x1] = chart.x;
    const [y0, y1] = chart.y;
    const day = chart.millis(x1) - chart.millis(x0) < 4 * 86400e3;
    let paths = "";
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const text = moment(chart.millis(x0 + share * (x1 - x0)));
      label(chart, "x", day ? text.slice(5, 16) : text.slice(0, 10), share);
      label(chart, "y", number(+chart.value(y0 + share * (y1 - y0)).toPrecision(4)) + chart.unit, share);
      paths += `<path d="M${(x0 + share * (x1 - x0)) * WIDTH} ${y0 * HEIGHT}V${y1 * HEIGHT}"/>`;
      paths += `<path d="M0 ${(y0 + share * (y1 - y0)) * HEIGHT}H${WIDTH}"/>`;
    }
    chart.grid.innerHTML = paths;
  };

  // The lowest and highest of what is drawn between two shares of time, with a little room.
  const range = (chart) => {
    const [x0, x1] = chart.x;
    const within = chart.lines.flatMap((line) => {
      const first = line.points.findIndex((point) => point[0] >= x0);
      const last = line.points.findLastIndex((point) => point[0] <= x1);
      return line.points.slice(Math.max(0, first - 1), last + 2).map((point) => point[1]);
    });
    if (within.length === 0) return [0, 1];
    const [top, bottom] = [Math.min(...within), Math.max(...within)];
    const room = Math.max(0.002, (bottom - top) * 0.05);
    return [top - room, bottom + room];
  };

  const draw = (chart) => {
    const whole = chart.x[0] <= 0 && chart.x[1] >= 1;
    chart.y = whole ? [0, 1] : range(chart);
    const [x0, x1] = chart.x;
    const [y0, y1] = chart.y;
    chart.added.forEach((span) => span.remove());
    chart.added = [];
    chart.drawn.words.forEach((span) => (span.hidden = !whole));
    const box = [x0 * WIDTH, y0 * HEIGHT, (x1 - x0) * WIDTH, (y1 - y0) * HEIGHT];
    chart.svg.setAttribute("viewBox", box.join(" "));
    for (const { mark, x, y } of chart.marks) {
      const [left, top] = [(x - x0) / (x1 - x0), (y - y0) / (y1 - y0)];
      mark.hidden = left < 0 || left > 1 || top < 0 || top > 1;
      mark.style.left = percent(left);
      mark.style.top = percent(top);
    }
    if (whole) chart.grid.innerHTML = chart.drawn.grid;
    else labelled(chart);
  };

  // Shows `from` to `to` in every chart of the same time.
  const show = (chart, from, to) => {
    const least = 2 / WIDTH;
    const length = Math.min(1, Math.max(least, to - from));
    const start = Math.min(1 - length, Math.max(0, from));
    for (const other of charts.filter((other) => other.from === chart.from && other.to === chart.to)) {
      other.x = [start, start + length];
      draw(other);
    }
  };
  const zoom = (chart, factor) => {
    const [from, to] = chart.x;
    const [middle, half] = [(from + to) / 2, ((to - from) / 2) * factor];
    show(chart, middle - half, middle + half);
  };
  const pan = (chart, share) => {
    const [from, to] = chart.x;
    show(chart, from + share * (to - from), to + share * (to - from));
  };

  const nearest = (points, x) => {
    let first = 0;
    let last = points.length - 1;
    while (last - first > 1) {
      const middle = (first + last) >> 1;
      if (points[middle][0] < x) first = middle;
      else last = middle;
    }
    return x - points[first][0] < points[last][0] - x ? points[first] : points[last];
  };
  // The bars in which a moment lies: the first that end no earlier.
  const toldOfBars = (chart, millis) => {
    const candle = chart.candles.find(({ end }) => end >= millis) ?? chart.candles.at(-1);
    if (!candle) return [];
    const { end, bars, prices: [open, high, low, close] } = candle;
    const until = `to ${moment(chart.from + end).slice(0, 19)}`;
    return [`O ${open}  H ${high}`, `L ${low}  C ${close}`, `${bars === 1 ? "bar" : `${bars} bars`} ${until}`];
  };
  const shareAt = (chart, event) => {
    const box = chart.plot.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const tell = (chart, event) => {
    const share = shareAt(chart, event);
    const x = chart.x[0] + share * (chart.x[1] - chart.x[0]);
    const texts = chart.lines.map((line) => {
      return `${line.name} ≈ ${number(chart.value(nearest(line.points, x)[1]))}${chart.unit}`;
    });
    texts.push(...toldOfBars(chart, x * (chart.to - chart.from)));
    const near = chart.marks.filter((mark) => Math.abs(mark.x - x) < 0.004 * (chart.x[1] - chart.x[0]));
    for (const { mark, y } of near.slice(0, 4)) {
      texts.push(`${mark.className === "buy" ? "bought" : "sold"} at ≈ ${number(chart.value(y))}`);
    }
    chart.tip.textContent = [`${moment(chart.millis(x)).slice(0, 19)} UTC`, ...texts].join("\n");
    chart.tip.style.left = share < 0.5 ? `calc(${percent(share)} + 10px)` : "auto";
    chart.tip.style.right = share < 0.5 ? "auto" : `calc(${percent(1 - share)} + 10px)`;
    chart.cursor.style.left = percent(share);
    chart.cursor.style.opacity = 0.6;
    chart.tip.style.opacity = 1;
  };

  const tools = (chart) => {
    const bar = document.createElement("div");
    bar.className = "tools";
    const acts = [
      ["‹", "earlier", () => pan(chart, -0.5)], ["›", "later", () => pan(chart, 0.5)],
      ["+", "zoom in", () => zoom(chart, 0.5)], ["−", "zoom out", () => zoom(chart, 2)],
      ["all", "show all", () => show(chart, 0, 1)],
    ];
    for (const [text, title, act] of acts) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.title = title;
      button.setAttribute("aria-label", title);
      button.addEventListener("click", act);
      bar.append(button);
    }
    chart.plot.append(bar);
  };

  for (const chart of charts) {
    tools(chart);
    const chosen = document.createElement("i");
    chosen.className = "chosen";
    chart.plot.append(chosen);
    let held = null;
    chart.plot.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".tools")) return;
      tell(chart, event);
      if (event.pointerType === "touch" || event.button !== 0) return;
      held = { at: shareAt(chart, event), shown: [...chart.x], pans: event.shiftKey };
      chart.plot.setPointerCapture(event.pointerId);
    });
    chart.plot.addEventListener("pointermove", (event) => {
      tell(chart, event);
      if (!held) return;
      const at = shareAt(chart, event);
      if (held.pans) {
        const moved = (held.at - at) * (held.shown[1] - held.shown[0]);
        show(chart, held.shown[0] + moved, held.shown[1] + moved);
      } else {
        chosen.style.left = percent(Math.min(at, held.at));
        chosen.style.width = percent(Math.abs(at - held.at));
      }
    });
    chart.plot.addEventListener("pointerup", (event) => {
      if (!held) return;
      const at = shareAt(chart, event);
      const [from, to] = [Math.min(at, held.at), Math.max(at, held.at)];
      const [first, last] = held.shown;
      if (!held.pans && to - from > 0.01) show(chart, first + from * (last - first), first + to * (last - first));
      held = null;
      chosen.style.width = "0";
    });
    // The browser took the pointer for something of its own: nothing was chosen.
    chart.plot.addEventListener("pointercancel", () => {
      if (held && held.pans) show(chart, held.shown[0], held.shown[1]);
      held = null;
      chosen.style.width = "0";
      chart.cursor.style.opacity = 0;
      chart.tip.style.opacity = 0;
    });
    chart.plot.addEventListener("dblclick", (event) => {
      if (!event.target.closest(".tools")) show(chart, 0, 1);
    });
    chart.plot.addEventListener("pointerleave", () => {
      chart.cursor.style.opacity = 0;
      chart.tip.style.opacity = 0;
    });
  }
})();
