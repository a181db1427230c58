// Shows the values under the pointer. The page is complete without it: the values are read back from the
// drawn lines, so nothing is stored twice.
"use strict";
for (const plot of document.querySelectorAll(".plot[data-from]")) {
  const { from, to, low, high, spread, unit } = plot.dataset;
  const cursor = plot.querySelector(".cursor");
  const tip = plot.querySelector(".tip");
  const lines = [...plot.querySelectorAll("polyline[data-name]")].reverse().map((line) => ({
    name: line.dataset.name,
    points: [...line.points].map((point) => [point.x / 1000, 1 - point.y / 300]),
  }));
  const value = (place) =>
    spread === "log" ? low * Math.pow(high / low, place) : +low + place * (high - low);
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
  const show = (event) => {
    const box = plot.getBoundingClientRect();
    const x = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const at = new Date(+from + x * (to - from)).toISOString().replace("T", " ").slice(0, 19);
    const texts = lines.map((line) => {
      const number = value(nearest(line.points, x)[1]);
      const short = number.toLocaleString("en", { maximumSignificantDigits: 6 });
      return `${line.name} ≈ ${short}${unit}`;
    });
    tip.textContent = [`${at} UTC`, ...texts].join("\n");
    tip.style.left = x < 0.5 ? `calc(${x * 100}% + 10px)` : "auto";
    tip.style.right = x < 0.5 ? "auto" : `calc(${(1 - x) * 100}% + 10px)`;
    cursor.style.left = `${x * 100}%`;
    cursor.style.opacity = 0.6;
    tip.style.opacity = 1;
  };
  const hide = () => {
    cursor.style.opacity = 0;
    tip.style.opacity = 0;
  };
  plot.addEventListener("pointermove", show);
  plot.addEventListener("pointerdown", show);
  plot.addEventListener("pointerleave", hide);
}
