// Draws the charts of a tear sheet from the JSON in the page. No build step, no request, no state
// outside this function. The chart library is the script element before this one.
(() => {
  "use strict";
  const L = window.LightweightCharts;
  const data = JSON.parse(document.getElementById("run-data").textContent);
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  const charts = []; // {chart, series: [{series, options}]}, for the change of theme

  // ---- theme -------------------------------------------------------------------------------
  const LIGHT = {
    ink: "#17202a", quiet: "#5b6773", line: "#e2e5e9", grid: "#eef0f3", gain: "#0072b2", loss: "#d55e00",
    curves: ["#0067a6", "#d55e00", "#008f6b", "#b0568b", "#a97500", "#3a9bd1", "#6b7280"],
  };
  const DARK = {
    ink: "#e7ebef", quiet: "#98a4b0", line: "#2a333d", grid: "#1f2730", gain: "#56b4e9", loss: "#f28e3c",
    curves: ["#5fb8ee", "#f28e3c", "#26c296", "#dd8fbd", "#e0b13c", "#8fd0f5", "#9aa5b1"],
  };
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const colours = () => (isDark() ? DARK : LIGHT);
  const curveColour = (index) => colours().curves[index % colours().curves.length];

  function paint() {
    $("theme").setAttribute("aria-pressed", String(isDark()));
    for (const { chart, paintSeries } of charts) {
      chart.applyOptions(chartColours());
      paintSeries();
    }
    for (const swatch of document.querySelectorAll("[data-curve]")) {
      swatch.setAttribute("stroke", curveColour(Number(swatch.dataset.curve)));
    }
  }
  $("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    paint();
  });
  prefersDark.addEventListener("change", paint);
  let themeBeforePrint;
  window.addEventListener("beforeprint", () => {
    themeBeforePrint = root.dataset.theme;
    root.dataset.theme = "light";
    paint();
  });
  window.addEventListener("afterprint", () => {
    if (themeBeforePrint) root.dataset.theme = themeBeforePrint;
    else delete root.dataset.theme;
    paint();
  });

  // ---- numbers and times -------------------------------------------------------------------
  const number = (value, digits) =>
    value === null || value === undefined
      ? "–"
      : value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
  const compact = (value) => {
    const size = Math.abs(value);
    if (size >= 1e9) return number(value / 1e9, 2) + "B";
    if (size >= 1e6) return number(value / 1e6, 2) + "M";
    if (size >= 1e4) return number(value / 1e3, size < 1e5 ? 1 : 0) + "k";
    return number(value, size < 10 ? 2 : 0);
  };
  const exact = (value) => (value === null ? "–" : value.toLocaleString("en-US", { maximumSignificantDigits: 8 }));
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC";
  function unfold(steps) {
    let now = 0;
    return steps.map((step) => (now += step));
  }
  const points = (times, values) =>
    times.map((time, index) =>
      values[index] === null ? { time } : { time, value: values[index] },
    );

  // ---- charts ------------------------------------------------------------------------------
  function chartColours() {
    const c = colours();
    return {
      layout: { background: { color: "transparent" }, textColor: c.quiet },
      grid: { vertLines: { color: c.grid }, horzLines: { color: c.grid } },
      rightPriceScale: { borderColor: c.line },
      timeScale: { borderColor: c.line },
    };
  }
  // The logo stays on the two tall charts; on a chart of 120 px it would cover the curve.
  function makeChart(id, { showsTime = true, hasLogo = true, format = compact } = {}) {
    const box = $(id);
    const chart = L.createChart(box, {
      autoSize: true,
      layout: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11, attributionLogo: hasLogo },
      crosshair: { mode: L.CrosshairMode.Magnet },
      localization: { priceFormatter: format, timeFormatter: clock, locale: "en-GB" },
      rightPriceScale: { minimumWidth: 68, scaleMargins: { top: 0.08, bottom: 0.08 } },
      timeScale: { visible: showsTime, timeVisible: true, secondsVisible: false, minBarSpacing: 0.05 },
      // The wheel scrolls the page until the chart has the focus.
      handleScale: { mouseWheel: false, axisPressedMouseMove: { time: true, price: true } },
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
    });
    chart.applyOptions(chartColours());
    box.addEventListener("pointerdown", () => chart.applyOptions({ handleScale: { mouseWheel: true } }));
    box.addEventListener("pointerleave", () => chart.applyOptions({ handleScale: { mouseWheel: false } }));
    return chart;
  }
  function zoom(chart, how) {
    const scale = chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (how === "all" || !range) return scale.fitContent();
    const width = range.to - range.from;
    const middle = (range.to + range.from) / 2;
    const half = { in: width / 4, out: width, left: width / 2, right: width / 2 }[how];
    const shift = { left: -width / 8, right: width / 8 }[how] || 0;
    scale.setVisibleLogicalRange({ from: middle + shift - half, to: middle + shift + half });
  }
  const KEYS = { ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", "0": "all" };
  function control(id, chart) {
    $(id).addEventListener("keydown", (event) => {
      if (!KEYS[event.key] || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      zoom(chart, KEYS[event.key]);
    });
    for (const button of document.querySelectorAll(`[data-for="${id}"]`)) {
      button.addEventListener("click", () => zoom(chart, button.dataset.zoom));
    }
    chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range) $(id).dataset.range = `${range.from.toFixed(1)} ${range.to.toFixed(1)}`;
    });
  }

  // ---- account -----------------------------------------------------------------------------
  function drawAccount({ time, curves, drawdown, exposure, sharpe, halts }) {
    const times = unfold(time);
    const at = new Map(times.map((value, index) => [value, index]));
    const equity = makeChart("equity", { showsTime: false });
    const lines = curves.map((curve, index) => {
      const line = equity.addSeries(L.LineSeries, {
        lineWidth: index ? 1 : 3, lineStyle: index ? [0, 2, 1, 3][(index - 1) % 4] : 0,
        priceLineVisible: false, lastValueVisible: index === 0, crosshairMarkerVisible: index === 0,
      });
      line.setData(points(times, curve.values));
      return line;
    });
    lines[0].setSeriesOrder(lines.length - 1);
    L.createSeriesMarkers(lines[0], []).setMarkers(
      halts.filter((halt) => halt.name === curves[0].name)
        .map((halt) => ({ time: halt.time, position: "aboveBar", shape: "square", color: colours().loss, text: halt.reason, size: 0.6 })),
    );
    const below = [
      ["drawdown", L.AreaSeries, drawdown, "loss", (value) => number(value, 1)],
      ["exposure", L.AreaSeries, exposure, "gain", (value) => number(value, 0)],
      ["sharpe", L.LineSeries, sharpe, "gain", (value) => number(value, 2)],
    ].map(([id, kind, values, colour, format], position) => {
      const chart = makeChart(id, { showsTime: position === 2, hasLogo: false, format });
      const series = chart.addSeries(kind, { lineWidth: 1, priceLineVisible: false, lastValueVisible: false });
      series.setData(points(times, values));
      if (id === "sharpe") series.createPriceLine({ price: 0, lineStyle: 2, lineWidth: 1, axisLabelVisible: false, color: "#8a94a0" });
      const paintSeries = () => {
        const c = colours()[colour];
        series.applyOptions(kind === L.AreaSeries
          ? { lineColor: c, topColor: c + (id === "drawdown" ? "10" : "55"), bottomColor: c + (id === "drawdown" ? "55" : "10"), invertFilledArea: id === "drawdown" }
          : { color: c });
      };
      charts.push({ chart, paintSeries });
      return { id, chart, series, values, format };
    });
    charts.push({
      chart: equity,
      paintSeries: () => lines.forEach((line, index) => line.applyOptions({ color: curveColour(index) })),
    });
    shareTime([{ chart: equity, series: lines[0] }, ...below]);
    control("equity", equity);
    const show = drawLegend(curves, lines);
    const readOut = (moment) => {
      const index = at.has(moment) ? at.get(moment) : times.length - 1;
      $("equity-time").textContent = at.has(moment) ? clock(moment) : "";
      show(index);
      for (const { id, values, format } of below) {
        $(id + "-value").textContent = values[index] === null ? "" : format(values[index]);
      }
    };
    for (const { chart } of [{ chart: equity }, ...below]) {
      chart.subscribeCrosshairMove((event) => readOut(event.time));
    }
    readOut(undefined);
    chooseScale(equity, curves);
    equity.timeScale().fitContent();
  }
  function chooseScale(chart, curves) {
    const values = curves.flatMap((curve) => curve.values);
    const low = values.reduce((least, value) => Math.min(least, value), Infinity);
    const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
    const button = $("log");
    const set = (isLog) => {
      button.setAttribute("aria-pressed", String(isLog));
      chart.priceScale("right").applyOptions({ mode: isLog ? L.PriceScaleMode.Logarithmic : L.PriceScaleMode.Normal });
    };
    if (!(low > 0)) {
      button.disabled = true; // a logarithm of nothing
      return;
    }
    set(high / low > 4);
    button.addEventListener("click", () => set(button.getAttribute("aria-pressed") !== "true"));
  }
  function shareTime(members) {
    for (const { chart } of members) {
      chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
        if (!range) return;
        for (const { chart: other } of members) {
          const current = other.timeScale().getVisibleLogicalRange();
          const isSame = current && Math.abs(current.from - range.from) + Math.abs(current.to - range.to) < 0.01;
          if (other !== chart && !isSame) other.timeScale().setVisibleLogicalRange(range);
        }
      });
      chart.subscribeCrosshairMove((event) => {
        if (!event.sourceEvent) return; // moved by another chart
        for (const { chart: other, series } of members) {
          if (other === chart) continue;
          if (event.time === undefined) other.clearCrosshairPosition();
          else other.setCrosshairPosition(NaN, event.time, series);
        }
      });
    }
  }
  function drawLegend(curves, lines) {
    const values = curves.map((curve, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.append(swatch(index), document.createTextNode(curve.name));
      const value = document.createElement("b");
      button.append(value);
      button.addEventListener("click", () => {
        const isShown = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(isShown));
        lines[index].applyOptions({ visible: isShown });
      });
      $("legend").append(button);
      return value;
    });
    return (position) => values.forEach((value, index) => {
      value.textContent = compact(curves[index].values[position] ?? 0);
    });
  }
  function swatch(index) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("width", "18");
    svg.setAttribute("height", "6");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", "M0 3H18");
    line.setAttribute("stroke-width", index ? "2" : "4");
    line.setAttribute("stroke-dasharray", index ? ["none", "4 2", "2 2", "6 3"][(index - 1) % 4] : "none");
    line.dataset.curve = index;
    svg.append(line);
    return svg;
  }

  // ---- trades on the price -----------------------------------------------------------------
  function drawPrices(symbols) {
    $("price-panel").hidden = false;
    let shown = symbols[0];
    const chart = makeChart("price", { format: (value) => number(value, shown.precision) });
    const candles = chart.addSeries(L.CandlestickSeries, { priceLineVisible: false });
    const arrows = L.createSeriesMarkers(candles, []);
    for (const symbol of symbols) prepare(symbol);
    const paintSeries = () => {
      const c = colours();
      candles.applyOptions({
        upColor: "transparent", borderUpColor: c.quiet, wickUpColor: c.quiet,
        downColor: c.quiet, borderDownColor: c.quiet, wickDownColor: c.quiet,
      });
      arrows.setMarkers(markersOf(shown));
    };
    charts.push({ chart, paintSeries });
    control("price", chart);
    chart.subscribeCrosshairMove((event) => tooltip(shown, event));
    drawTabs(symbols, (symbol) => {
      shown = symbol;
      candles.setData(symbol.bars);
      candles.applyOptions({ priceFormat: { type: "custom", formatter: (value) => number(value, symbol.precision), minMove: 10 ** -symbol.precision } });
      paintSeries();
      $("price-caption").textContent = `${symbol.symbol}, candles of ${symbol.interval}`;
      $("price-note").textContent = symbol.note;
      chart.priceScale("right").applyOptions({ autoScale: true });
      chart.timeScale().fitContent();
    });
  }
  function prepare(symbol) {
    symbol.times = unfold(symbol.time);
    symbol.bars = symbol.times.map((time, index) => ({
      time, open: symbol.open[index], high: symbol.high[index], low: symbol.low[index], close: symbol.close[index],
    }));
    symbol.at = new Map(symbol.times.map((time, index) => [time, index]));
    symbol.fillsAt = new Map();
    symbol.markers.candle.forEach((candle, index) => {
      symbol.fillsAt.set(candle, [...(symbol.fillsAt.get(candle) || []), index]);
    });
  }
  function markersOf({ markers, times }) {
    const c = colours();
    return markers.candle.map((candle, index) => {
      const isBuy = markers.buy[index] === 1;
      return {
        time: times[candle], position: isBuy ? "belowBar" : "aboveBar", shape: isBuy ? "arrowUp" : "arrowDown",
        color: isBuy ? c.gain : c.loss, size: 0.8,
      };
    });
  }
  function tooltip(symbol, { time, point }) {
    const box = $("tooltip");
    const index = symbol.at.get(time);
    const bar = index === undefined ? undefined : symbol.bars[index];
    const price = (value) => number(value, symbol.precision);
    $("price-value").textContent = bar
      ? `${clock(time)}  O ${price(bar.open)}  H ${price(bar.high)}  L ${price(bar.low)}  C ${price(bar.close)}` : "";
    const fills = bar && point ? symbol.fillsAt.get(index) || [] : [];
    box.hidden = fills.length === 0;
    if (box.hidden) return;
    box.replaceChildren(...fills.map((fill) => fillLine(symbol.markers, fill)));
    const chart = $("price");
    const left = point.x + 16 + box.offsetWidth > chart.clientWidth - 68 ? point.x - 16 - box.offsetWidth : point.x + 16;
    box.style.left = `${Math.max(0, left)}px`;
    box.style.top = `${Math.max(0, Math.min(point.y, chart.clientHeight - box.offsetHeight - 30))}px`;
  }
  function fillLine(markers, index) {
    const line = document.createElement("p");
    const isBuy = markers.buy[index] === 1;
    const side = document.createElement("span");
    side.className = isBuy ? "key buy" : "key sell";
    side.textContent = isBuy ? "▲ buy" : "▼ sell";
    const count = markers.n[index] > 1 ? `${markers.n[index]} fills, ` : "";
    line.append(side, `${count}${exact(markers.quantity[index])} at ${exact(markers.price[index])}, fee ${exact(markers.fee[index])} ${data.quote}`);
    return line;
  }
  function drawTabs(symbols, select) {
    const tabs = symbols.map((symbol, index) => {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.id = `tab-${index}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", "price-figure");
      tab.textContent = symbol.symbol;
      tab.addEventListener("click", () => choose(index));
      return tab;
    });
    function choose(index) {
      tabs.forEach((tab, other) => {
        tab.setAttribute("aria-selected", String(other === index));
        tab.tabIndex = other === index ? 0 : -1;
      });
      $("price-figure").setAttribute("aria-labelledby", tabs[index].id);
      select(symbols[index]);
    }
    $("tabs").addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const now = tabs.findIndex((tab) => tab.tabIndex === 0);
      const next = (now + step + tabs.length) % tabs.length;
      choose(next);
      tabs[next].focus();
    });
    $("tabs").append(...tabs);
    choose(0);
  }

  if (data.account.time.length) drawAccount(data.account);
  const drawable = data.symbols.filter((symbol) => symbol.time.length);
  if (drawable.length) drawPrices(drawable);
  paint();
})();
