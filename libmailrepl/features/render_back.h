/* One step back (cl-rebuild --undo): what a service had before its last change and what it has now
 * change places. Killed at any instant and called again it comes to the same end; or cl-rebuild is
 * called instead, and the way back is given up.
 *
 * Which services have it before them is in MR_PATH_UNDOING, a word each: those that are through are not
 * undone again. Of one service, in the order in which it happens:
 *   <before>          what is put back
 *   <before>.undone   what is there now; while it is there files are being put back
 *   <before>.redo     the same, from when the service serves with what was put back until it becomes <before>
 * With <before>.pending instead a rendering was cut off: what it has changed is put back, and there
 * is no way forth but cl-rebuild; <before>.over is that from when the service serves. */
#ifndef MR_FEATURES_RENDER_BACK_H
#define MR_FEATURES_RENDER_BACK_H

#include "features/render_change.h"

/* The end for a service: it serves with what was put back. */
int mr_back_end(const struct mr_change *change, struct mr_error *err) MR_MUST_CHECK;
/* The way back has failed for this service, and it has what it had. */
int mr_back_unlist(const struct mr_change *change, struct mr_error *err) MR_MUST_CHECK;
/* A way back that had come to its end but for the last step. */
int mr_back_settle(const struct mr_change *change, struct mr_error *err) MR_MUST_CHECK;
/* A rendering begins: it wins over a way back that was cut off. If it leads to where that came from,
 * <before>.undone stays until the end of the change; else that is what was there before the change. */
int mr_back_give_up(const struct mr_change *change, struct mr_error *err) MR_MUST_CHECK;

#endif
