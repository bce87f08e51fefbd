// A surface over a grid, drawn from the far side to the near one; dragged, zoomed and read by mouse, touch or keyboard.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { first, second, values, names, colours, mark } = data; // values[i][j] at first[i], second[j]; null is a hole
  const canvas = document.getElementById("surface");
  const pen = canvas.getContext("2d");
  const logs = document.getElementById("powers");
  const read = document.getElementById("read");
  const START = { turn: -0.62, tilt: 0.76, zoom: 1 };
  const MOST = 6000; // cells that are drawn while it moves; all of them when it rests
  const NARROW = 520; // pixels, from where on names of axes find no room beside them
  const TALL = 0.62, FAR = 7; // half the box' height, and how far the eye is, in half sides of the box
  const view = { ...START };
  let heights, low, high, levels, places, chosen = null, waiting = false, moving = false, pause;

  const finite = values.flat().filter((value) => value !== null);
  const along = (list, value) => (2 * (value - list[0])) / (list[list.length - 1] - list[0]) - 1;
  const xs = first.map((value) => along(first, value)), ys = second.map((value) => along(second, value));

  // Numbers, and where ticks are.
  const raised = (power) => String(power).replace(/[-0-9]/g, (c) => (c === "-" ? "\u207b" : "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[+c]));
  function shown(value) {
    const size = Math.abs(value);
    if (!size || (size >= 1e-3 && size < 1e5)) return String(+value.toPrecision(4)).replace("-", "\u2212");
    const [digits, power] = value.toExponential(3).split("e");
    return `${digits.replace(/\.?0+$/, "").replace("-", "\u2212")}\u00b710${raised(+power)}`;
  }
  function ticks(from, to, most) {
    const raw = (to - from) / most, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((part) => part * power).find((size) => size >= raw * (1 - 1e-9));
    const found = [];
    for (let k = Math.ceil(from / step - 1e-9); k * step <= to + 1e-9 * step; k++) found.push(k * step);
    return found;
  }
  function powers(from, to) { // of ten; with 2 and 5 times them where there are few
    const found = [], apart = Math.max(1, Math.ceil((to - from) / 6));
    for (let power = Math.floor(from); power <= to; power++) {
      const parts = to - from > 3 ? [1] : [1, 2, 5];
      if (power % apart === 0) parts.forEach((part) => found.push(power + Math.log10(part)));
    }
    return found.filter((power) => power >= from - 1e-9 && power <= to + 1e-9);
  }

  function measure() {
    const height = (value) => (value === null ? null : logs.checked ? Math.log10(value) : value);
    heights = values.map((row) => row.map(height));
    const every = finite.map(height);
    low = every.reduce((a, b) => Math.min(a, b));
    high = every.reduce((a, b) => Math.max(a, b));
    if (high - low <= 1e-12 * Math.max(Math.abs(low), Math.abs(high))) { // flat
      const half = Math.max(Math.abs(low), 1e-300) / 2;
      [low, high] = [low - half, high + half];
    }
    levels = logs.checked ? powers(low, high) : ticks(low, high, 6);
    if (levels.length < 3) levels = ticks(low, high, 6);
  }
  function named(level) {
    if (!logs.checked) return shown(level);
    return high - low > 3 && Number.isInteger(level) ? `10${raised(level)}` : shown(10 ** level);
  }
  const share = (height) => (height - low) / (high - low);
  const up = (height) => TALL * (2 * share(height) - 1);

  // The picture.
  let middle, scale, width, tall, room, below;
  function project(x, y, z) {
    const c = Math.cos(view.turn), s = Math.sin(view.turn), e = Math.cos(view.tilt), f = Math.sin(view.tilt);
    const across = x * c - y * s, away = x * s + y * c;
    const depth = away * e - z * f;
    const size = scale / (1 + (depth * e) / FAR); // straight from above, without perspective
    return [middle[0] + across * size, middle[1] - (z * e + away * f) * size, depth];
  }
  function frame() { // the box fits at any turn, and stands in the middle
    middle = [(width - room) / 2, 0];
    scale = view.zoom * Math.min((width - room - 60) / 3.3, (tall - 70) / 2.55);
    const sides = [-1, 1].flatMap((x) => [-1, 1].flatMap((y) => [-TALL, TALL].map((z) => project(x, y, z)[1])));
    middle[1] = (tall - (width > NARROW ? 22 : 60) - Math.max(...sides) - Math.min(...sides)) / 2;
    below = Math.max(...sides) + middle[1] + 32;
  }
  function line(points, close) {
    pen.beginPath();
    points.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    if (close) pen.closePath();
  }
  function colour(part, shade) {
    const place = Math.min(Math.max(part, 0), 1) * (colours.length - 1), k = Math.min(Math.floor(place), colours.length - 2);
    const mixed = colours[k].map((value, channel) => value + (place - k) * (colours[k + 1][channel] - value));
    return `rgb(${mixed.map((value) => Math.round(Math.min(255, value * shade))).join(" ")})`;
  }

  function draw() {
    waiting = false;
    const ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth;
    tall = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(tall * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(tall * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    room = width > NARROW ? 96 : 72; // for the scale of colours
    frame();
    const style = getComputedStyle(canvas);
    const ink = Object.fromEntries(["text", "quiet", "ground", "wall", "line", "hole"].map((n) => [n, style.getPropertyValue(`--${n}`).trim()]));
    pen.fillStyle = ink.ground;
    pen.fillRect(0, 0, width, tall);
    pen.font = "12px system-ui, sans-serif";
    pen.lineJoin = "round";
    box(ink);
    holes(ink);
    surface(ink);
    if (chosen) ring(ink);
    bar(ink);
    Object.assign(canvas.dataset, { turn: view.turn.toFixed(4), tilt: view.tilt.toFixed(4), zoom: view.zoom.toFixed(4) });
  }
  function later() {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  }

  // Floor and the two walls behind, with lines at ticks and the numbers on the edges in front.
  function box(ink) {
    const behind = (x, y) => project(x, y, 0)[2] > 0;
    const wallX = behind(1, 0) ? 1 : -1, wallY = behind(0, 1) ? 1 : -1;
    const faces = [
      [[-1, -1, -TALL], [1, -1, -TALL], [1, 1, -TALL], [-1, 1, -TALL]],
      [[wallX, -1, -TALL], [wallX, 1, -TALL], [wallX, 1, TALL], [wallX, -1, TALL]],
      [[-1, wallY, -TALL], [1, wallY, -TALL], [1, wallY, TALL], [-1, wallY, TALL]],
    ];
    pen.lineWidth = 1;
    pen.strokeStyle = ink.line;
    pen.fillStyle = ink.wall;
    for (const face of faces) {
      line(face.map((corner) => project(...corner)), true);
      pen.fill();
      pen.stroke();
    }
    const firsts = ticks(first[0], first[first.length - 1], 5), seconds = ticks(second[0], second[second.length - 1], 5);
    pen.globalAlpha = 0.6;
    for (const value of firsts) {
      const x = along(first, value);
      line([project(x, -wallY, -TALL), project(x, wallY, -TALL), project(x, wallY, TALL)]);
      pen.stroke();
    }
    for (const value of seconds) {
      const y = along(second, value);
      line([project(-wallX, y, -TALL), project(wallX, y, -TALL), project(wallX, y, TALL)]);
      pen.stroke();
    }
    for (const level of levels) {
      line([project(-wallX, wallY, up(level)), project(wallX, wallY, up(level)), project(wallX, -wallY, up(level))]);
      pen.stroke();
    }
    pen.globalAlpha = 1;
    edge(ink, firsts.map((value) => [shown(value), [along(first, value), -wallY, -TALL]]), names.first, [0, -wallY, -TALL]);
    edge(ink, seconds.map((value) => [shown(value), [-wallX, along(second, value), -TALL]]), names.second, [-wallX, 0, -TALL]);
    if (view.tilt < 1.25) { // from above, heights have no edge to stand at
      const left = project(wallX, -wallY, 0)[0] < project(-wallX, wallY, 0)[0] ? [wallX, -wallY] : [-wallX, wallY];
      const clear = levels.filter((level) => share(level) > 0.07); // of the numbers on the floor
      edge(ink, clear.map((level) => [named(level), [...left, up(level)]]), "", [...left, 0]);
    }
  }
  // Numbers beside an edge of the box, away from its middle, and what they are.
  function edge(ink, marks, name, centre) {
    const [x0, y0] = project(0, 0, centre[2]), [x1, y1] = project(...centre);
    const length = Math.hypot(x1 - x0, y1 - y0) || 1;
    const out = [(x1 - x0) / length, (y1 - y0) / length];
    pen.textBaseline = "middle";
    pen.textAlign = Math.abs(out[0]) < 0.3 ? "center" : out[0] > 0 ? "left" : "right";
    pen.fillStyle = ink.quiet;
    let widest = 0, last = null;
    for (const [text, point] of marks) {
      const [x, y] = project(...point), size = pen.measureText(text).width;
      if (last && Math.abs(y - last[1]) < 13 && Math.abs(x - last[0]) < (size + last[2]) / 2 + 4) continue;
      last = [x, y, size];
      widest = Math.max(widest, size);
      pen.fillText(text, x + 9 * out[0], y + 9 * out[1]);
    }
    if (!name) return;
    pen.fillStyle = ink.text;
    if (width <= NARROW) {
      const left = x1 < x0;
      pen.textAlign = left ? "left" : "right";
      pen.fillText(left ? `\u2196 ${name}` : `${name} \u2197`, left ? 6 : width - room - 2, below + (name === names.second ? 18 : 0));
      return;
    }
    const gap = 18 + Math.abs(out[0]) * widest + 14 * Math.abs(out[1]);
    const half = pen.measureText(name).width / 2;
    const x = x1 + gap * out[0] + (pen.textAlign === "left" ? half : pen.textAlign === "right" ? -half : 0);
    pen.textAlign = "center";
    pen.fillText(name, Math.min(Math.max(x, half + 4), width - room - half), Math.min(y1 + gap * out[1], tall - 10));
  }
  function holes(ink) { // a cross on the floor for each
    pen.strokeStyle = ink.hole;
    pen.lineWidth = 1.2;
    values.forEach((row, i) => row.forEach((value, j) => {
      if (value !== null) return;
      const [x, y] = project(xs[i], ys[j], -TALL);
      line([[x - 3, y - 3], [x + 3, y + 3]]);
      pen.stroke();
      line([[x - 3, y + 3], [x + 3, y - 3]]);
      pen.stroke();
    }));
  }
  function surface(ink) {
    places = heights.map((row, i) => row.map((height, j) => (height === null ? null : project(xs[i], ys[j], up(height)))));
    const stride = moving ? Math.ceil(Math.sqrt((xs.length * ys.length) / MOST)) : 1;
    const some = (list, sign) => { // pairs of neighbours, the far ones first
      const kept = [...list.keys()].filter((k) => k % stride === 0 || k === list.length - 1);
      const pairs = kept.slice(1).map((k, before) => [kept[before], k]);
      return sign > 0 ? pairs.reverse() : pairs;
    };
    const seen = mark && pinned();
    let passed = false, covered = false;
    const farI = some(xs, project(1, 0, 0)[2] - project(-1, 0, 0)[2]), farJ = some(ys, project(0, 1, 0)[2] - project(0, -1, 0)[2]);
    const fine = (xs.length - 1) * (ys.length - 1) > 4000;
    for (const [h, i] of farI) for (const [g, j] of farJ) {
      const at = [[h, g], [i, g], [i, j], [h, j]];
      const corners = at.map(([a, b]) => places[a][b]);
      if (corners.includes(null)) continue;
      const z = at.map(([a, b]) => heights[a][b]);
      line(corners, true);
      pen.fillStyle = pen.strokeStyle = colour(share((z[0] + z[1] + z[2] + z[3]) / 4), light([xs[h], xs[i]], [ys[g], ys[j]], z));
      pen.lineWidth = 0.8; // hides the seam
      pen.fill();
      pen.stroke();
      if (!fine) {
        pen.strokeStyle = "rgb(0 0 0 / 0.16)";
        pen.lineWidth = 0.5;
        pen.stroke();
      }
      contours(corners, z);
      if (seen) {
        const [p, q] = seen.cell;
        const beside = h <= p && p - 1 <= i && g <= q && q - 1 <= j;
        passed = passed || (h < p && p <= i && g < q && q <= j);
        covered = covered || (passed && !beside && inside(corners, seen.point));
      }
    }
    if (seen) pin(ink, seen.point, covered);
  }
  function light(x, y, z) { // from the left above, on the surface as it is drawn
    const dx = (up(z[1]) + up(z[2]) - up(z[0]) - up(z[3])) / (2 * (x[1] - x[0]));
    const dy = (up(z[2]) + up(z[3]) - up(z[0]) - up(z[1])) / (2 * (y[1] - y[0]));
    return 0.8 + 0.28 * ((0.5 * dx + 0.4 * dy + 1) / Math.sqrt(1 + dx * dx + dy * dy) - 0.35);
  }
  function contours(corners, z) { // where the cell crosses the levels
    pen.strokeStyle = "rgb(255 255 255 / 0.65)";
    pen.lineWidth = 0.9;
    for (const level of levels) {
      const cuts = [];
      for (let k = 0; k < 4; k++) {
        const a = z[k] - level, b = z[(k + 1) % 4] - level;
        if (a < 0 === b < 0) continue;
        const part = a / (a - b), from = corners[k], to = corners[(k + 1) % 4];
        cuts.push([from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])]);
      }
      for (let k = 0; k + 1 < cuts.length; k += 2) {
        line([cuts[k], cuts[k + 1]]);
        pen.stroke();
      }
    }
  }
  function spot(point, radius, inside, outside) {
    pen.beginPath();
    pen.arc(point[0], point[1], radius, 0, 7);
    pen.fillStyle = inside;
    pen.strokeStyle = outside;
    pen.lineWidth = 1.5;
    pen.fill();
    pen.stroke();
  }
  function pinned() { // where the marked point is drawn, and in which cell
    const height = mark.value === null ? null : logs.checked ? Math.log10(mark.value) : mark.value;
    const cell = [first, second].map((list, axis) => list.findIndex((value, k) => k > 0 && mark.at[axis] <= value));
    if (height === null || cell.includes(-1) || mark.at[0] < first[0] || mark.at[1] < second[0]) return null;
    return { cell, point: project(along(first, mark.at[0]), along(second, mark.at[1]), up(height)) };
  }
  function inside(corners, [x, y]) {
    const sides = corners.map(([ax, ay], k) => {
      const [bx, by] = corners[(k + 1) % 4];
      return (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0;
    });
    return sides.every((side) => side === sides[0]);
  }
  function pin(ink, point, covered) { // a ring where the surface stands before it
    pen.globalAlpha = covered ? 0.75 : 1;
    spot(point, 4.5, covered ? "rgb(0 0 0 / 0)" : "#ffffff", covered ? "#ffffff" : "#000000");
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.lineWidth = 3;
    pen.strokeStyle = ink.ground;
    pen.fillStyle = ink.text;
    const text = covered ? `${mark.name} (behind)` : mark.name;
    pen.strokeText(text, point[0] + 9, point[1] - 9);
    pen.fillText(text, point[0] + 9, point[1] - 9);
    pen.globalAlpha = 1;
  }
  function ring(ink) {
    const point = places[chosen[0]][chosen[1]];
    if (point) spot(point, 5, "rgb(0 0 0 / 0)", ink.text);
  }
  function bar(ink) { // the scale of colours, with numbers
    const x = width - room + 14, from = 34, length = Math.max(tall - 80, 40);
    for (let y = 0; y < length; y++) {
      pen.fillStyle = colour(1 - y / (length - 1), 1);
      pen.fillRect(x, from + y, 14, 1.5);
    }
    pen.fillStyle = ink.text;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    let last = Infinity;
    for (const level of levels) {
      const y = from + (1 - share(level)) * (length - 1);
      if (last - y < 13) continue;
      last = y;
      pen.fillRect(x + 14, y - 0.5, 4, 1);
      pen.fillText(named(level), x + 21, y);
    }
    pen.textAlign = "right";
    pen.fillText(names.value, width - 8, 16);
  }

  // What a person does.
  function move() {
    moving = true;
    clearTimeout(pause);
    pause = setTimeout(() => {
      moving = false;
      later();
    }, 150);
    later();
  }
  function turn(across, upward) {
    view.turn += across;
    view.tilt = Math.min(Math.max(view.tilt + upward, 0), Math.PI / 2);
    move();
  }
  function zoom(factor) {
    view.zoom = Math.min(Math.max(view.zoom * factor, 0.4), 6);
    move();
  }
  function back(to) {
    Object.assign(view, START, to);
    later();
  }
  const fingers = new Map();
  const apart = () => {
    const [one, other] = [...fingers.values()];
    return Math.hypot(one[0] - other[0], one[1] - other[1]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId), now = [event.clientX, event.clientY];
    if (!before) return pick(event.offsetX, event.offsetY);
    const was = fingers.size === 2 && apart();
    fingers.set(event.pointerId, now);
    if (was) zoom(apart() / was);
    else turn((now[0] - before[0]) * 0.008, (now[1] - before[1]) * 0.008);
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => fingers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => {
    chosen = null;
    later();
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.03 : 0.0012)));
  }, { passive: false });
  const STEP = Math.PI / 36;
  const KEYS = {
    ArrowLeft: () => turn(-STEP, 0), ArrowRight: () => turn(STEP, 0), ArrowUp: () => turn(0, -STEP), ArrowDown: () => turn(0, STEP),
    "+": () => zoom(1.15), "=": () => zoom(1.15), "-": () => zoom(1 / 1.15), "0": () => back({}), Home: () => back({}),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  function pick(x, y) { // the nearest point of the grid that is drawn within reach, and of those the one in front
    let found = null, front = Infinity;
    places.forEach((row, i) => row.forEach((point, j) => {
      if (point && Math.hypot(point[0] - x, point[1] - y) < 9 && point[2] < front) [found, front] = [[i, j], point[2]];
    }));
    if (String(found) === String(chosen)) return;
    chosen = found;
    read.textContent = found
      ? `${names.first} ${shown(first[found[0]])}, ${names.second} ${shown(second[found[1]])}: ${names.value} ${shown(values[found[0]][found[1]])}`
      : "";
    later();
  }
  document.getElementById("reset").addEventListener("click", () => back({}));
  document.getElementById("above").addEventListener("click", () => back({ turn: 0, tilt: Math.PI / 2 }));
  logs.addEventListener("change", () => {
    measure();
    later();
  });
  new ResizeObserver(later).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later);
  for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
  measure();
  draw();
})();
