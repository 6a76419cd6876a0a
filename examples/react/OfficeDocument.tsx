import { type BridgeSession, type DocumentHandlers, openDocument } from "cloudreve-office-embed";
import { useEffect, useRef } from "react";

interface Props {
  /** What your server got from `POST /api/sessions`; a new one opens the document anew. */
  readonly session: BridgeSession;
  /** The latest handlers are called, so they may be written in place. */
  readonly on?: DocumentHandlers;
}

/** A document of the bridge, as large as the element around it. */
export function OfficeDocument({ session, on = {} }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const handlers = useRef(on);
  handlers.current = on;

  useEffect(() => {
    if (place.current === null) return;
    const opened = openDocument(place.current, {
      session,
      on: {
        saved: (detail) => handlers.current.saved?.(detail),
        saveFailed: (detail) => handlers.current.saveFailed?.(detail),
        failed: (detail) => handlers.current.failed?.(detail),
        closed: (detail) => handlers.current.closed?.(detail),
        expired: (detail) => handlers.current.expired?.(detail),
      },
    });
    // The editor saves on its own when its frame goes; to be sure, call `close()` before the component is removed.
    return () => opened.frame.remove();
  }, [session]);

  return <div ref={place} style={{ height: "100%" }} />;
}
