/** The schema with what answers its fields. */
import type { GraphQLSchema } from "graphql";
import { createSchema } from "graphql-yoga";
import type { Policy } from "../access/policy.ts";
import type { Operation } from "./operation.ts";
import { inferenceResolvers } from "./resolvers/inference.ts";
import { modelResolvers } from "./resolvers/models.ts";
import { subscriptionResolvers } from "./resolvers/subscriptions.ts";
import { base64Scalar, jsonScalar, tensorDataScalar, uploadScalar } from "./scalars.ts";
import { typeDefinitions } from "./type-definitions.ts";

export function graphqlSchema(policy: Policy): GraphQLSchema {
  const { Query, ...models } = modelResolvers(policy);
  const { Query: InferenceQuery, ...inference } = inferenceResolvers;
  return createSchema<Operation>({
    typeDefs: typeDefinitions,
    resolvers: {
      Query: { ...Query, ...InferenceQuery },
      ...models,
      ...inference,
      ...subscriptionResolvers,
      Base64: base64Scalar,
      JSON: jsonScalar,
      Upload: uploadScalar,
      TensorData: tensorDataScalar,
    },
  });
}
