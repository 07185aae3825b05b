/** Keeps the quotient finite for a zero gradient, as torch.nn.utils.clip_grad_norm_ does. */
const epsilon = 1e-6;

/** Factor that brings a gradient of L2 norm `norm` to at most `maxNorm` (Pascanu et al., 2013). */
export const clipScale = (norm: number, maxNorm: number): number => Math.min(1, maxNorm / (norm + epsilon));
