import { readFile } from 'node:fs/promises';
import { csvRecords } from '../csvRecords.js';
import { csvText } from '../csvText.js';
import { writeResult } from '../writeResult.js';
import type { PreprocessRow } from './preprocessLog.js';

const COLUMNS =
  'id,split,label,method,pair_group,identity,collection,source,runs,frames,face_px,width,height,fps,bits_per_pixel'.split(
    ',',
  );

/**
 * Writes `manifest.csv`: a row for each face that was cut. Rows of other clips that stand in it already are kept.
 * `face_px` is the side that the face with its margin takes in the video, median over the runs; `bits_per_pixel` counts all
 * of the file, sound as well.
 */
export async function writeOutputManifest(file: string, finished: Iterable<PreprocessRow>): Promise<void> {
  const rows = new Map<string, Record<string, string>>();
  const before = await readFile(file, 'utf8').catch(() => '');
  for (const row of csvRecords(before, file)) if (row.id) rows.set(row.id, row);
  for (const { path, bytes, split, label, more, faces, video } of finished)
    faces.forEach(({ id, runs, frames, margined }, face) => {
      rows.set(id, {
        ...{ id, split, label: String(label), ...more },
        // Who else is in the picture is somebody else.
        ...(face > 0 ? { identity: id } : {}),
        ...{
          source: path,
          runs: String(runs),
          frames: String(frames),
          face_px: String(median(margined)),
        },
        ...{ width: String(video.width), height: String(video.height), fps: String(Number(video.rate.toFixed(3))) },
        bits_per_pixel: String(Number(((8 * bytes) / (video.frames * video.width * video.height)).toPrecision(4))),
      });
    });
  const columns = [...new Set([...COLUMNS, ...[...rows.values()].flatMap((row) => Object.keys(row))])];
  const cells = [...rows.values()].map((row) => columns.map((column) => row[column]));
  await writeResult(file, csvText(columns, cells, '\n'));
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
