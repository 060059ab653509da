export { type PredictorOptions, startPredictor } from "./service.ts";
