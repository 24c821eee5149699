// Scores the rows of a JSON file by a graph, as a program without Python does.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [graph, rows, packages] = process.argv.slice(2);
const ort = createRequire(`${packages}/`)("onnxruntime-node");
const session = await ort.InferenceSession.create(graph, { logSeverityLevel: 3 });
const feeds = {};
for (const [name, cells] of Object.entries(JSON.parse(readFileSync(rows, "utf8")))) {
  const isText = cells.some((cell) => typeof cell === "string");
  feeds[name] = isText
    ? new ort.Tensor("string", cells, [cells.length, 1])
    : new ort.Tensor("float64", Float64Array.from(cells, (cell) => cell ?? NaN), [cells.length, 1]);
}
const outputs = await session.run(feeds);
const plain = Object.entries(outputs).map(([name, one]) => [name, Array.from(one.data, Number)]);
console.log(JSON.stringify({ inputs: session.inputNames, outputs: Object.fromEntries(plain) }));
