/** Every path of the REST face. */
import type { Route } from "../route.ts";
import { consoleRoutes } from "./console.ts";
import { documentationRoutes } from "./documentation.ts";
import { inferenceRoutes } from "./inference.ts";
import { modelRouteTable } from "./models.ts";
import { predictRoutes } from "./predict.ts";
import { reportRoutes } from "./report.ts";
import { repositoryRoutes } from "./repository.ts";
import { serverRoutes } from "./server.ts";
import { statisticsRoutes } from "./statistics.ts";

const asked: readonly Route[] = [
  ...consoleRoutes,
  ...serverRoutes,
  ...modelRouteTable,
  ...reportRoutes,
  ...inferenceRoutes,
  ...predictRoutes,
  ...repositoryRoutes,
  ...statisticsRoutes,
];

export const routes: readonly Route[] = [...asked, ...documentationRoutes(asked)];
