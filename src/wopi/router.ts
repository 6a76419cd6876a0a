import { type NextFunction, type Request, type Response, Router } from "express";
import type { AccessGrant } from "../documents/grants.ts";
import { KeptSafely } from "../documents/saveDocument.ts";
import { writeWopiFailure } from "../http/failureResponse.ts";
import { hungUp } from "../http/hungUp.ts";
import { logFailure } from "../http/requestLog.ts";
import { BridgeError } from "../model/failure.ts";
import type { Services } from "../services.ts";
import { accessToken, admitted } from "./admission.ts";
import { named, overridden, send } from "./answer.ts";
import { containersRouter } from "./containers/router.ts";
import { counted } from "./countedCall.ts";
import { directContents } from "./directContents.ts";
import { doctorFile, doctorFileId } from "./doctorFile.ts";
import { isLastSave, setAside } from "./exitSave.ts";
import { wopiOperations } from "./operations.ts";
import { pictureContents, pictureMethods } from "./pictureContents.ts";
import type { WopiCall, WopiOperation } from "./wopiCall.ts";

/** `/wopi/files/:id` and its contents: token check, proof check, then the operation. No body parser may come before. */
export function wopiRouter(services: Services): Router {
  const operations = wopiOperations(services);
  const router = Router();
  router.use((_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  });
  router.get(`/files/${doctorFileId}`, doctorFile(services));
  const file = router.route("/files/:id");
  file.get(serve(services, () => named("CHECK_FILE_INFO", operations.checkFileInfo)));
  file.post(serve(services, (request) => overridden(operations.fileOverrides, request)));
  const contents = router.route("/files/:id/contents");
  // Express would treat it as GetFile, which would count as a load by the editor.
  contents.head(refuseHead);
  contents.get(serve(services, () => named("GET_FILE", operations.getFile)));
  contents.post(serve(services, (request) => overridden(operations.contentOverrides, request)));
  router.route("/files/:id/ancestry").get(serve(services, () => named("ENUMERATE_ANCESTORS", operations.ancestry)));
  router
    .route("/files/:id/ecosystem_pointer")
    .get(serve(services, () => named("GET_ECOSYSTEM", operations.ecosystemPointer)));
  const direct = router.route("/files/:id/direct/contents");
  direct.head(refuseHead);
  direct.get(directContents(services));
  router.route("/pictures/:secret/:name").options(pictureMethods).get(pictureContents(services));
  router.use(containersRouter(services));
  router.use(() => {
    throw new BridgeError({ kind: "notImplemented", operation: "address" });
  });
  router.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const failure = logFailure(error);
    if (response.headersSent) {
      // Half a document has been sent: an error text must not become its end.
      response.destroy();
    } else if (failure === undefined) {
      response.status(500).end();
    } else {
      writeWopiFailure(response, failure);
    }
  });
  return router;
}

function refuseHead(): never {
  throw new BridgeError({ kind: "notImplemented", operation: "HEAD" });
}

function serve(services: Services, choose: (request: Request) => WopiOperation) {
  return async (request: Request, response: Response): Promise<void> => {
    const token = accessToken(request);
    const signal = hungUp(response);
    // The unread rest of a body refused midway would make the connection's next call wait for ever.
    response.once("finish", () => request.resume());
    const callOf = (grant: AccessGrant): WopiCall => ({
      grant,
      header: (name) => request.get(name) || undefined,
      body: request,
      signal,
    });
    try {
      const { grant, countedAs } = await admitted(services, request, token, callOf);
      await counted(services, request, countedAs, async () => {
        const operation = choose(request);
        await send(response, await operation(callOf(grant)));
      });
    } catch (error) {
      const refusal = error instanceof KeptSafely ? error.refusal : error;
      const isSetAside = isLastSave(request) && (await setAside(services, request, token, refusal));
      if (!isSetAside || refusal === error) throw refusal;
      logFailure(refusal);
      await send(response, { json: {} });
    }
  };
}
