import { BridgeError } from "../model/failure.ts";
import { nearest } from "./nearest.ts";
import type { ApiRoute } from "./route.ts";

type KnownRoute = Pick<ApiRoute, "method" | "path">;

/**
 * Pure: why a call leads nowhere.
 * @param path below `/api`
 * @returns methodNotAllowed with the methods of a path that there is; pathUnknown with the call that it is most like
 */
export function strayCall(routes: readonly KnownRoute[], path: string): BridgeError {
  const allowed = routes.filter((route) => fits(route.path, path)).map(({ method }) => method.toUpperCase());
  if (allowed.length > 0) {
    // Express answers HEAD wherever there is GET, and OPTIONS everywhere.
    const methods = [...new Set([...allowed, ...(allowed.includes("GET") ? ["HEAD"] : []), "OPTIONS"])];
    return new BridgeError({ kind: "methodNotAllowed", allowed: methods });
  }
  // An id would be far from any name: it is compared as what stands at its place.
  const shapes = new Map(routes.map((route) => [shapeLike(route.path, path), route.path]));
  const shape = nearest(withoutVersion(path), [...shapes.keys()]);
  const found = shape === undefined ? undefined : shapes.get(shape);
  const calls = routes
    .filter((route) => route.path === found)
    .map(({ method, path: of }) => `${method.toUpperCase()} /api${of.replace(/:(\w+)/g, "{$1}")}`);
  return new BridgeError({ kind: "pathUnknown", nearest: calls });
}

const partsOf = (path: string): string[] => path.replace(/^\/+|\/+$/g, "").split("/");

function fits(routePath: string, path: string): boolean {
  const [shape, parts] = [partsOf(routePath), partsOf(path)];
  return (
    shape.length === parts.length &&
    shape.every((part, at) => (part.startsWith(":") ? parts[at] !== "" : part === parts[at]?.toLowerCase()))
  );
}

function shapeLike(routePath: string, path: string): string {
  const parts = partsOf(withoutVersion(path));
  return `/${partsOf(routePath)
    .map((part, at) => (part.startsWith(":") ? (parts[at] ?? part) : part))
    .join("/")}`;
}

const withoutVersion = (path: string): string => path.replace(/^\/v\d+(?=\/)/i, "");
