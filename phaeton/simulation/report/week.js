// A week of the run to look through: PV, house, car, battery and grid.
(() => {
  const told = JSON.parse(document.getElementById("data").textContent);
  const place = document.getElementById("plot");
  const UNKNOWN = -32768;
  const WEEK = 7 * 86400;
  const unpacked = (text) => new Int16Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const columns = told.columns.map(unpacked);
  const count = columns[0].length;
  const perWeek = Math.round(WEEK / told.step);
  const kilowatts = (column, at) => (columns[column][at] === UNKNOWN ? null : (columns[column][at] * told.unit) / 1000);
  const lines = [
    { name: "PV", kind: "pv", column: 0, area: 0.22, width: 1.5 },
    { name: "Grid", kind: "grid-power", column: 4, signs: ["bought", "sold"] },
    ...(told.battery ? [{ name: "Battery", kind: "battery", column: 3, signs: ["charging", "giving"] }] : []),
    { name: "House", kind: "load", column: 1 },
    { name: "Car", kind: "car", column: 2, area: 0.3, width: 2 },
  ];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const faded = (name, share) => `color-mix(in srgb, ${colour(name)} ${share * 100}%, transparent)`;
  const clock = (options) => {
    try {
      return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: told.zone });
    } catch {
      return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" });
    }
  };
  const day = clock({ day: "numeric", month: "short", year: "numeric" });
  const moment = clock({ weekday: "short", hour: "2-digit", minute: "2-digit" });
  const wall = (seconds) => {
    try {
      return uPlot.tzDate(new Date(seconds * 1000), told.zone);
    } catch {
      return uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");
    }
  };
  // Weeks begin at a local midnight; the first one may lack some hours, and one with a clock change is longer or shorter.
  const begun = wall(told.start);
  const first = -Math.round((begun.getHours() * 3600 + begun.getMinutes() * 60) / told.step);
  const begin = (week) => {
    const at = first + week * perWeek;
    const hours = wall(told.start + at * told.step).getHours();
    return at - Math.round(((hours > 12 ? hours - 24 : hours) * 3600) / told.step);
  };
  const weeks = Math.max(1, Math.ceil((count - first) / perWeek - 1e-9));

  const best = (weigh) => {
    let found = 0;
    let most = -1;
    for (let week = 0; week < weeks; week += 1) {
      let sum = 0;
      for (let at = Math.max(0, begin(week)); at < Math.min(count, begin(week + 1)); at += 1) sum += Math.max(0, weigh(at) ?? 0);
      if (sum > most) [found, most] = [week, sum];
    }
    return found;
  };
  const jumps = {
    first: () => 0,
    last: () => weeks - 1,
    back: (week) => week - 1,
    on: (week) => week + 1,
    car: () => best((at) => kilowatts(2, at)),
    sun: () => best((at) => kilowatts(0, at)),
    import: () => best((at) => kilowatts(4, at)),
  };

  let shown = jumps.car();
  let plot = null;
  const values = document.getElementById("live");
  for (const line of lines) {
    const item = document.createElement("li");
    item.className = line.kind;
    item.append(line.name, document.createElement("b"));
    values.append(item);
  }
  const when = document.createElement("li");
  when.className = "when";
  values.append(when);

  const tell = (index) => {
    lines.forEach((line, n) => {
      const value = index === null || index === undefined ? null : plot.data[n + 1][index];
      let text = "";
      if (value !== null && value !== undefined) {
        text = `${Math.abs(value).toFixed(2)} kW`;
        if (line.signs && Math.abs(value) >= 0.005) text += ` ${line.signs[value > 0 ? 0 : 1]}`;
      }
      values.children[n].querySelector("b").textContent = text;
    });
    when.textContent = index === null || index === undefined ? "" : moment.format(new Date(plot.data[0][index] * 1000));
  };

  const draw = () => {
    const from = begin(shown);
    const times = [];
    const data = lines.map(() => []);
    for (let at = from; at < begin(shown + 1); at += 1) {
      times.push(told.start + at * told.step);
      lines.forEach((line, n) => data[n].push(at >= 0 && at < count ? kilowatts(line.column, at) : null));
    }
    const axis = { stroke: () => colour("muted"), grid: { stroke: () => colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const midnights = (u, which, low, high) => {
      const found = [];
      for (let at = low; at <= high; at += 3600) {
        const here = wall(at);
        if (here.getHours() === 0 && here.getMinutes() === 0) found.push(at);
      }
      return found.length > 2 ? found : Array.from({ length: 9 }, (_, n) => low + ((high - low) * n) / 8);
    };
    const label = (u, ticks) =>
      ticks.map((at) => {
        const here = wall(at);
        return here.getHours() === 0 && here.getMinutes() === 0 ? clock(place.clientWidth < 620 ? { weekday: "short" } : { weekday: "short", day: "numeric" }).format(new Date(at * 1000)) : moment.format(new Date(at * 1000));
      });
    plot?.destroy();
    plot = new uPlot(
      {
        width: place.clientWidth,
        height: place.clientHeight,
        tzDate: wall,
        legend: { show: false },
        cursor: { points: { size: 6 } },
        scales: { x: { time: true }, y: { range: (u, low, high) => [Math.min(0, low) * 1.05, Math.max(1, high * 1.05)] } },
        axes: [
          { ...axis, size: 34, splits: (u, n, low, high) => midnights(u, n, low, high), values: label },
          { ...axis, size: 54, values: (u, ticks) => ticks.map((value) => `${String(value).replace("-", "−")} kW`) },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.name,
            stroke: () => colour(line.kind),
            width: line.width ?? 1,
            fill: line.area ? () => faded(line.kind, line.area) : undefined,
            points: { show: false },
          })),
        ],
        hooks: { setCursor: [(u) => tell(u.cursor.idx)] },
      },
      [times, ...data],
      place,
    );
    document.getElementById("which").textContent = day.formatRange(new Date(times[0] * 1000), new Date(times[times.length - 1] * 1000));
    for (const button of document.querySelectorAll("[data-go]")) {
      const step = button.dataset.go;
      button.disabled = ((step === "first" || step === "back") && shown === 0) || ((step === "last" || step === "on") && shown === weeks - 1);
    }
    tell(null);
  };
  document.addEventListener("click", (event) => {
    const jump = jumps[event.target.closest?.("[data-go]")?.dataset.go];
    if (!jump) return;
    shown = Math.min(weeks - 1, Math.max(0, jump(shown)));
    draw();
  });
  new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: place.clientHeight })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", () => plot?.setSize({ width: 680, height: 300 }));
  addEventListener("afterprint", () => plot?.setSize({ width: place.clientWidth, height: place.clientHeight }));
  draw();
})();
