// The bridge as `npm start` runs it. At each SIGUSR2 it tells how long its loop was blocked, and how far its heap grew, since
// the last one. Only time that the process was given counts: a busy machine makes others wait too.
const tickMs = 2;
let blockedMs = 0;
let firstHeapBytes = process.memoryUsage().heapUsed;
let heapBytes = firstHeapBytes;
let last = { atMs: performance.now(), cpu: process.cpuUsage() };
setInterval(() => {
  const now = { atMs: performance.now(), cpu: process.cpuUsage() };
  const workedMs = (now.cpu.user + now.cpu.system - last.cpu.user - last.cpu.system) / 1000;
  blockedMs = Math.max(blockedMs, Math.min(now.atMs - last.atMs - tickMs, workedMs));
  last = now;
  heapBytes = Math.max(heapBytes, process.memoryUsage().heapUsed);
}, tickMs).unref();
let told = 0;
process.on("SIGUSR2", () => {
  process.stdout.write(
    `watched ${++told}: ${JSON.stringify({ blockedMs, grownBytes: heapBytes - firstHeapBytes })}.\n`,
  );
  blockedMs = 0;
  firstHeapBytes = process.memoryUsage().heapUsed;
  heapBytes = firstHeapBytes;
});
await import("../../src/main.ts");

export {};
