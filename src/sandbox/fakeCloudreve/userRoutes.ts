import { type Call, type Route, requireUser, sendData } from "./call.ts";
import { DriveError } from "./driveError.ts";
import type { UserRecord } from "./driveState.ts";
import type { FakeDrive } from "./fakeDrive.ts";
import type { Caller } from "./places.ts";

const groups = {
  admin: { number: 1, name: "Admin", permission: "/RoB", directLinkBatchSize: 1000 },
  user: { number: 2, name: "User", permission: "hAg=", directLinkBatchSize: 10 },
  anonymous: { number: 3, name: "Anonymous", permission: "gg==" },
};

/** Who am I, how much room is left, who are the others. */
export const userRoutes: readonly Route[] = [
  { method: "GET", path: "/api/v4/user/me", run: (call) => sendData(call, userObject(call.drive, requireUser(call))) },
  { method: "GET", path: "/api/v4/user/capacity", run: showCapacity },
  { method: "GET", path: "/api/v4/user/info/:id", run: showOther },
  { method: "GET", path: "/api/v4/user/search", run: searchUsers },
];

/** The user as he sees himself. */
export function userObject(drive: FakeDrive, user: UserRecord): Record<string, unknown> {
  const group = groups[user.admin ? "admin" : "user"];
  return {
    id: drive.word("user", user.number),
    email: user.email,
    nickname: user.nickname,
    status: "active",
    created_at: user.createdAt,
    group: {
      id: drive.word("group", group.number),
      name: group.name,
      permission: group.permission,
      direct_link_batch_size: group.directLinkBatchSize,
      trash_retention: 604_800,
    },
    language: "en-US",
  };
}

/** The user as others see him; the e-mail only when they are signed in. */
export function otherUserObject(drive: FakeDrive, user: UserRecord, viewer: Caller): Record<string, unknown> {
  return {
    id: drive.word("user", user.number),
    ...(viewer ? { email: user.email } : {}),
    nickname: user.nickname,
    created_at: user.createdAt,
  };
}

export function anonymousObject(drive: FakeDrive): Record<string, unknown> {
  const { number, name, permission } = groups.anonymous;
  return {
    id: drive.word("user", 0),
    nickname: "",
    created_at: "0001-01-01T00:00:00Z",
    anonymous: true,
    group: { id: drive.word("group", number), name, permission },
  };
}

function showCapacity(call: Call): void {
  const user = requireUser(call);
  sendData(call, { total: user.quotaBytes, used: call.drive.usedBytes(user) });
}

function showOther(call: Call): void {
  const { drive } = call;
  const number = drive.number("user", call.params.get("id") ?? "");
  const user = number === undefined ? undefined : drive.state.users.get(number);
  if (!user) throw new DriveError(40001, "Failed to parse object ID");
  sendData(call, withGroup(drive, user, call.caller));
}

function searchUsers(call: Call): void {
  const { drive } = call;
  const viewer = requireUser(call);
  const keyword = (call.query.get("keyword") ?? "").toLowerCase();
  const matches = [...drive.state.users.values()].filter((user) =>
    `${user.nickname}\n${user.email}`.toLowerCase().includes(keyword),
  );
  sendData(
    call,
    matches.map((user) => withGroup(drive, user, viewer)),
  );
}

function withGroup(drive: FakeDrive, user: UserRecord, viewer: Caller): Record<string, unknown> {
  const group = groups[user.admin ? "admin" : "user"];
  return {
    ...otherUserObject(drive, user, viewer),
    group: { id: drive.word("group", group.number), name: group.name },
  };
}
