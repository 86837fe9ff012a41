"""Tracking while it happens, from a camera or a file at its own pace. Nothing waits for what is to come."""
