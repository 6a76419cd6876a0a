/**
 * Edits of a shared text, for the page and for the editor's server alike.
 * An edit replaces `deleted` characters (UTF-16 units) at `position` by `inserted`.
 */

export function applyEdit(text, { position, deleted, inserted }) {
  return text.slice(0, position) + inserted + text.slice(position + deleted);
}

/** The smallest single edit from one text to another; undefined when they are equal. */
export function editBetween(before, after) {
  if (before === after) return undefined;
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  if (isHighSurrogate(before, head - 1)) head--;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  if (tail > 0 && isHighSurrogate(before, before.length - tail - 1)) tail--;
  return {
    position: head,
    deleted: before.length - head - tail,
    inserted: after.slice(head, after.length - tail),
  };
}

/**
 * Two edits of the same text, made without knowledge of each other, turned into edits that follow the other one:
 * `earlier` then `later'` gives the same text as `later` then `earlier'`. What anybody typed survives, even inside
 * a stretch the other one deleted; what both deleted is gone once. At one place the earlier text comes first.
 */
export function transformPair(earlier, later) {
  return earlier.position <= later.position ? follow(earlier, later) : follow(later, earlier).reverse();
}

/** Both edits, each as it follows the other; `left` begins no later than `right`. */
function follow(left, right) {
  const leftEnd = left.position + left.deleted;
  const rightEnd = right.position + right.deleted;
  const growth = left.inserted.length - left.deleted;
  if (leftEnd <= right.position) return [left, { ...right, position: right.position + growth }];
  // They overlap: both stretches go, and the text of left comes before the text of right.
  const onlyRight = Math.max(0, rightEnd - leftEnd);
  const rightAfter = {
    position: left.position + left.inserted.length,
    deleted: onlyRight,
    inserted: right.inserted,
  };
  const before = right.position - left.position;
  const behind = Math.max(0, leftEnd - rightEnd);
  const leftAfter =
    behind === 0
      ? { position: left.position, deleted: before, inserted: left.inserted }
      : {
          position: left.position,
          deleted: before + right.inserted.length + behind,
          inserted: left.inserted + right.inserted,
        };
  return [leftAfter, rightAfter];
}

function isHighSurrogate(text, index) {
  const unit = text.charCodeAt(index);
  return unit >= 0xd800 && unit <= 0xdbff;
}
