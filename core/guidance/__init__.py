"""The pixel conditions of reenactment: flow, occlusion, masks, depth, normals, light and a rendered head."""
