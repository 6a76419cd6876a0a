import { type Request, type Response, Router } from "express";
import { ecosystemResource, folderResource } from "../../documents/folderReach.ts";
import { hungUp } from "../../http/hungUp.ts";
import { logFacts } from "../../http/requestLog.ts";
import type { Services } from "../../services.ts";
import { accessToken, admittedTo } from "../admission.ts";
import { named, overridden, send } from "../answer.ts";
import { counted } from "../countedCall.ts";
import type { WopiCall, WopiOperation } from "../wopiCall.ts";
import type { ContainerOperation } from "./containerCall.ts";
import { containerOperations } from "./operations.ts";

/** `/wopi/containers/:id` and `/wopi/ecosystem`. */
export function containersRouter(services: Services): Router {
  const operations = containerOperations(services);
  const router = Router();

  const container = router.route("/containers/:id");
  const ofFolder = (choose: (request: Request) => ContainerOperation) => serveFolder(services, choose);
  container.get(ofFolder(() => named("CHECK_CONTAINER_INFO", operations.checkContainerInfo)));
  container.post(ofFolder((request) => overridden(operations.containerOverrides, request)));
  router.route("/containers/:id/children").get(ofFolder(() => named("ENUMERATE_CHILDREN", operations.children)));
  router.route("/containers/:id/ancestry").get(ofFolder(() => named("ENUMERATE_ANCESTORS", operations.ancestry)));
  router
    .route("/containers/:id/ecosystem_pointer")
    .get(ofFolder(() => named("GET_ECOSYSTEM", operations.ecosystemPointer)));

  const ecosystem = router.route("/ecosystem");
  const ofEcosystem = (choose: (request: Request) => WopiOperation) =>
    serve(
      services,
      () => ecosystemResource,
      (request, call) => choose(request)(call),
    );
  ecosystem.get(ofEcosystem(() => named("CHECK_ECOSYSTEM", operations.checkEcosystem)));
  ecosystem.post(ofEcosystem((request) => overridden(operations.ecosystemOverrides, request)));
  router
    .route("/ecosystem/root_container_pointer")
    .get(ofEcosystem(() => named("GET_ROOT_CONTAINER", operations.rootContainer)));
  return router;
}

function serveFolder(services: Services, choose: (request: Request) => ContainerOperation) {
  const folderId = (request: Request) => String(request.params["id"]);
  return serve(
    services,
    (request) => folderResource(folderId(request)),
    async (request, call) => {
      logFacts({ folder: folderId(request) });
      const folder = await services.drive.folder(call.grant.document.account, { folderId: folderId(request) });
      return choose(request)({ ...call, folder });
    },
  );
}

/** @param resourceOf what the call's token must be for */
function serve(
  services: Services,
  resourceOf: (request: Request) => string,
  work: (request: Request, call: WopiCall) => ReturnType<WopiOperation>,
) {
  return async (request: Request, response: Response): Promise<void> => {
    const signal = hungUp(response);
    // The unread rest of a body refused midway would make the connection's next call wait for ever.
    response.once("finish", () => request.resume());
    const grant = await admittedTo(services, request, accessToken(request), resourceOf(request));
    const call: WopiCall = { grant, header: (name) => request.get(name) || undefined, body: request, signal };
    await counted(services, request, grant, async () => send(response, await work(request, call)));
  };
}
