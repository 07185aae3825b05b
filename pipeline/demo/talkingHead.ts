import { keyedGenerator } from '../../workers/random/keyedGenerator.js';
import { Backdrop } from './backdrop.js';
import { bodyMesh } from './bodyMesh.js';
import { Camera, type Pose } from './camera.js';
import { DepthLayer } from './depthLayer.js';
import { earMesh } from './earMesh.js';
import { faceChart } from './faceChart.js';
import { glassesMeshes } from './glassesMesh.js';
import { Hair } from './hair.js';
import { HeadMesh } from './headMesh.js';
import { type Expression, HeadSurface } from './headSurface.js';
import { drawIdentity, type Identity } from './identity.js';
import { Illumination } from './illumination.js';
import { type ChartPoint, landmarks81 } from './landmarks81.js';
import { drawLighting, ShadowMap } from './lighting.js';
import { gridNormals, isTwoSided, type Mesh, type SurfacePoint } from './mesh.js';
import { Shading } from './shading.js';
import { SkinAtlas } from './skinAtlas.js';
import { ValueNoise } from './valueNoise.js';

/** Pictures are drawn this many times as large and averaged, so that edges are smooth. */
const OVERSAMPLING = 1.4;

/** How much of the head's motion the shoulders take part in. */
const BODY_SHARE = 0.35;

/** Noise shared by everybody; each person reads it elsewhere. */
const noise = keyedGenerator('demo', 'noise');
const FINE = new ValueNoise(noise, [128, 64]);
const CLOUDS = new ValueNoise(noise, [8, 16, 32, 64]);

/** One person in one room before one camera, to be drawn frame by frame. */
export class TalkingHead {
  readonly identity: Identity;
  private readonly surface: HeadSurface;
  private readonly landmarks: readonly ChartPoint[];
  private readonly head: HeadMesh;
  private readonly solid: readonly Mesh[];
  private readonly hairs: readonly Mesh[];
  private readonly body: Mesh;
  private readonly camera: Camera;
  private readonly bodyCamera: Camera;
  private readonly shadow: ShadowMap;
  private readonly shading: Shading;
  private readonly backdrop: Backdrop;
  private readonly front: DepthLayer;
  private readonly veil: DepthLayer;
  private readonly side: number;

  /**
   * @param person key of the person: equal keys give equal faces
   * @param scene key of room, light and camera
   * @param side of the finished picture in pixels
   */
  constructor(
    person: readonly (string | number)[],
    scene: readonly (string | number)[],
    private readonly pixels: number,
  ) {
    this.side = Math.round(pixels * OVERSAMPLING);
    this.identity = drawIdentity(keyedGenerator(...person, 'identity'));
    const paint = keyedGenerator(...person, 'paint');
    const room = keyedGenerator(...scene, 'room');
    this.surface = new HeadSurface(this.identity, faceChart(this.identity));
    this.landmarks = landmarks81(this.surface);
    this.head = new HeadMesh(this.surface);
    const hair = new Hair(this.identity, this.surface, FINE, CLOUDS, paint.between(0, 256));
    const atlas = new SkinAtlas(this.surface, FINE, CLOUDS, paint.between(0, 256));
    this.body = bodyMesh(this.identity);
    this.solid = [
      this.head.mesh,
      earMesh(this.identity, -1),
      earMesh(this.identity, 1),
      ...glassesMeshes(this.identity, this.surface),
    ];
    this.hairs = hair.meshes;
    const zoom = room.between(0.93, 1.07);
    this.camera = new Camera(this.side, zoom);
    this.bodyCamera = new Camera(this.side, zoom);
    const lighting = drawLighting(room);
    this.shadow = new ShadowMap(lighting.keyFrom);
    this.backdrop = new Backdrop(room, CLOUDS);
    this.shading = new Shading(this.surface, atlas, hair, new Illumination(lighting, this.shadow), this.camera, FINE);
    this.front = new DepthLayer(this.side);
    this.veil = new DepthLayer(this.side);
  }

  /** Side of the pictures that `draw` fills, in pixels. */
  get largeSide(): number {
    return this.side;
  }

  /**
   * Draws a frame in linear light, `[N,N,3]` with N = `largeSide`, and projects the landmarks, `[81,2]` (x, y) in pixels
   * of the finished picture.
   */
  draw(pose: Pose, expression: Expression, light: Float32Array, landmarks: Float32Array): void {
    this.camera.pose(pose);
    this.bodyCamera.pose({
      yaw: pose.yaw * 0.15,
      pitch: 0,
      roll: pose.roll * 0.15,
      x: pose.x * BODY_SHARE,
      y: pose.y * BODY_SHARE,
      z: pose.z * BODY_SHARE,
    });
    this.head.express(expression);
    for (const mesh of [...this.solid, ...this.hairs]) {
      this.camera.view(mesh);
      gridNormals(mesh);
    }
    this.bodyCamera.view(this.body);
    gridNormals(this.body);
    // Spectacles are thinner than the map's texels: their shadow would be a row of dots.
    this.shadow.update([...this.solid.filter((mesh) => mesh.material !== 'frame'), this.hairs[0]!]);
    this.shading.begin(expression);
    this.paint(pose, light);
    this.project(expression, landmarks);
  }

  private project(expression: Expression, out: Float32Array): void {
    const point = new Float64Array(3);
    this.landmarks.forEach(({ theta, y }, i) => {
      this.surface.point(theta, y, expression, point);
      this.camera.place(point[0]!, point[1]!, point[2]!, point, 0);
      // Pixel centres are at whole coordinates in the finished picture, at halves in the drawn one.
      out[2 * i] = (this.camera.screenX(point[0]!, point[2]!) * this.pixels) / this.side - 0.5;
      out[2 * i + 1] = (this.camera.screenY(point[1]!, point[2]!) * this.pixels) / this.side - 0.5;
    });
  }

  private paint(pose: Pose, light: Float32Array): void {
    const meshes = [...this.solid, this.body];
    const fronts = drawLayer(this.front, meshes);
    const veils = drawLayer(this.veil, this.hairs);
    const side = this.side;
    const colour = new Float64Array(3);
    const over = new Float64Array(3);
    const position = new Float64Array(3);
    const p: SurfacePoint = { u: 0, v: 0, nx: 0, ny: 0, nz: 1, x: 0, y: 0, z: 0 };
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const i = y * side + x;
        let cover = 0;
        const strand = this.veil.triangle[i]!;
        if (strand >= 0 && this.veil.depth[i]! > this.front.depth[i]!) {
          const mesh = this.locate(this.hairs, veils, strand, x, y, this.veil.depth[i]!, position, p);
          cover = this.shading.hairStrand(p, mesh.material === 'curtain', over);
        }
        if (cover < 0.995) {
          const seen = this.front.triangle[i]!;
          if (seen >= 0) {
            const mesh = this.locate(meshes, fronts, seen, x, y, this.front.depth[i]!, position, p);
            if (mesh.material === 'skin') this.shading.skin(p, colour);
            else if (mesh.material === 'ear') this.shading.ear(p, colour);
            else if (mesh.material === 'frame') this.shading.frame(p, colour);
            else this.shading.body(p, colour);
          } else {
            // A hand-held camera moves the room a little against the head.
            this.backdrop.at(x / side + pose.x * 0.0006, y / side - pose.y * 0.0006, colour);
          }
        }
        for (let c = 0; c < 3; c++) light[3 * i + c] = colour[c]! + (over[c]! - colour[c]!) * cover;
      }
    }
  }

  /** Fills in the point of a triangle seen at a pixel and returns its mesh. */
  private locate(
    meshes: readonly Mesh[],
    bases: readonly number[],
    number: number,
    x: number,
    y: number,
    depth: number,
    position: Float64Array,
    p: SurfacePoint,
  ): Mesh {
    let m = 0;
    while (m < meshes.length - 1 && number >= bases[m + 1]!) m++;
    const mesh = meshes[m]!;
    const t = 3 * (number - bases[m]!);
    const a = mesh.triangles[t]!;
    const b = mesh.triangles[t + 1]!;
    const c = mesh.triangles[t + 2]!;
    const s = mesh.screen;
    const ax = s[2 * a]!;
    const ay = s[2 * a + 1]!;
    const ux = s[2 * b]! - ax;
    const uy = s[2 * b + 1]! - ay;
    const vx = s[2 * c]! - ax;
    const vy = s[2 * c + 1]! - ay;
    const px = x + 0.5 - ax;
    const py = y + 0.5 - ay;
    const inverse = 1 / (ux * vy - vx * uy);
    const wb = (px * vy - vx * py) * inverse;
    const wc = (ux * py - px * uy) * inverse;
    const wa = 1 - wb - wc;
    const chart = mesh.chart;
    p.u = wa * chart[2 * a]! + wb * chart[2 * b]! + wc * chart[2 * c]!;
    p.v = wa * chart[2 * a + 1]! + wb * chart[2 * b + 1]! + wc * chart[2 * c + 1]!;
    const n = mesh.normals;
    const nx = wa * n[3 * a]! + wb * n[3 * b]! + wc * n[3 * c]!;
    const ny = wa * n[3 * a + 1]! + wb * n[3 * b + 1]! + wc * n[3 * c + 1]!;
    const nz = wa * n[3 * a + 2]! + wb * n[3 * b + 2]! + wc * n[3 * c + 2]!;
    const length = Math.sqrt(nx * nx + ny * ny + nz * nz) || 1;
    const facing = nz < 0 && isTwoSided(mesh.material) ? -1 : 1;
    p.nx = (facing * nx) / length;
    p.ny = (facing * ny) / length;
    p.nz = (facing * nz) / length;
    this.camera.unproject(x + 0.5, y + 0.5, depth, position);
    p.x = position[0]!;
    p.y = position[1]!;
    p.z = position[2]!;
    return mesh;
  }
}

/** Draws meshes into a layer; returns the number of each mesh's first triangle. */
function drawLayer(layer: DepthLayer, meshes: readonly Mesh[]): number[] {
  layer.clear();
  let base = 0;
  return meshes.map((mesh) => {
    const first = base;
    layer.draw(mesh.triangles, mesh.screen, mesh.placed, first, isTwoSided(mesh.material));
    base += mesh.triangles.length / 3;
    return first;
  });
}
