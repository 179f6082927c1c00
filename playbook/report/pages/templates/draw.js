// `ast` interprets Vega's expressions: nothing is compiled, so the page needs no 'unsafe-eval'.
for (const box of document.querySelectorAll("[data-chart]")) {
  const spec = JSON.parse(document.getElementById(box.dataset.chart).textContent);
  const options = { mode: "vega-lite", ast: true, actions: false, renderer: "svg" };
  vegaEmbed(box, spec, options).catch((error) => {
    box.textContent = spec.description || "This chart could not be drawn.";
    console.error(error);
  });
}
