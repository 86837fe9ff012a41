# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to a Semblance server, without bpy.

The rules that keep Blender responsive and alive:

- One thread, :class:`~.worker.Worker`, does all that waits: HTTP, files, processes. It never imports bpy and
  never sees an object of Blender's.
- Requests go to it and reports come back as plain frozen values (:mod:`.messages`), through two queues.
  Nothing else is shared.
- A kind of job is one file (such as :mod:`.rig_job`): what is asked for, as a :class:`~.job.JobRequest` that
  says what the server is sent and how the results are fetched, and what is reported at the end.
- Progress and repeated errors replace what was not read yet (:class:`~.mailbox.Mailbox`), so that a busy
  Blender finds one message, not hundreds.
- Work is cut into steps of at most a few seconds; between steps the thread answers new requests. A failing
  server is asked again after ever longer pauses.
- Stopping is bounded: Blender waits for the thread for two seconds at most.
"""
