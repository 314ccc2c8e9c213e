/** Reflection: what the server's services and messages are, told from the generated code. Both versions are one text. */
import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type HandlerContext } from "@connectrpc/connect";
import { answerMany } from "./admitted-call.ts";
import { untilStopped } from "./until-stopped.ts";

/** A request of either version. */
interface Asked {
  readonly host: string;
  readonly messageRequest:
    | {
        readonly case:
          | "listServices"
          | "fileByFilename"
          | "fileContainingSymbol"
          | "allExtensionNumbersOfType";
        readonly value: string;
      }
    | { readonly case: "fileContainingExtension"; readonly value: object }
    | { readonly case: undefined };
}

/** @param files whose services and messages are told; what they import is found */
export function reflectionRoutes(files: readonly DescFile[], stopping: AbortSignal) {
  const all = new Map<string, DescFile>();
  const add = (file: DescFile): void => {
    if (all.has(file.proto.name)) return;
    all.set(file.proto.name, file);
    file.dependencies.forEach(add);
  };
  files.forEach(add);
  const symbols = new Map<string, DescFile>();
  for (const file of all.values()) {
    for (const type of nestedTypes(file)) {
      symbols.set(type.typeName, file);
      if (type.kind !== "service") continue;
      for (const { name } of type.methods) symbols.set(`${type.typeName}.${name}`, file);
    }
  }
  const services = files.flatMap((file) => file.services.map(({ typeName }) => typeName)).sort();

  const answerOf = <Request extends Asked>(request: Request) => {
    const { messageRequest } = request;
    const asked = { validHost: request.host, originalRequest: request };
    const file = (found: DescFile | undefined, what: string) =>
      found === undefined
        ? { ...asked, messageResponse: notFound(what) }
        : { ...asked, messageResponse: withImports(found) };
    switch (messageRequest.case) {
      case "listServices":
        return {
          ...asked,
          messageResponse: {
            case: "listServicesResponse" as const,
            value: { service: services.map((name) => ({ name })) },
          },
        };
      case "fileByFilename":
        return file(all.get(messageRequest.value), messageRequest.value);
      case "fileContainingSymbol":
        return file(symbols.get(messageRequest.value), messageRequest.value);
      default:
        return { ...asked, messageResponse: notFound("extension") };
    }
  };
  return {
    serverReflectionInfo<Request extends Asked>(requests: AsyncIterable<Request>, context: HandlerContext) {
      return answerMany(context, async function* ({ signal }) {
        const accepted = untilStopped(requests, AbortSignal.any([stopping, signal]));
        for await (const request of accepted) yield answerOf(request);
      });
    },
  };
}

function withImports(file: DescFile) {
  const files = new Set<DescFile>();
  const add = (each: DescFile): void => {
    if (files.has(each)) return;
    files.add(each);
    each.dependencies.forEach(add);
  };
  add(file);
  const fileDescriptorProto = [...files].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto } };
}

function notFound(what: string) {
  const value = { errorCode: Code.NotFound, errorMessage: `The server declares no "${what}".` };
  return { case: "errorResponse" as const, value };
}
