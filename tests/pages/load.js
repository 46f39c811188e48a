// Loads the widget's script, which the page has not: for elements that were there before.
function loadWidget() {
  const script = document.createElement("script");
  script.type = "module";
  script.src = "roomlet.js";
  document.head.append(script);
}
