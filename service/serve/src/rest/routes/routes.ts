/** Every path of the REST face. */
import type { Route } from "../route.ts";
import { inferenceRoutes } from "./inference.ts";
import { modelRouteTable } from "./models.ts";
import { predictRoutes } from "./predict.ts";
import { repositoryRoutes } from "./repository.ts";
import { serverRoutes } from "./server.ts";
import { statisticsRoutes } from "./statistics.ts";

export const routes: readonly Route[] = [
  ...serverRoutes,
  ...modelRouteTable,
  ...inferenceRoutes,
  ...predictRoutes,
  ...repositoryRoutes,
  ...statisticsRoutes,
];
