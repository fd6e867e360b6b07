import type { Graph } from './graph.ts';
import type { Dimension } from './onnx.ts';
import { unquantize } from './unquantize.ts';

/**
 * SFace of the OpenCV Zoo (`face_recognition_sface_2021dec_int8bq.onnx`): `data` float [batch, 3, 112, 112], RGB from 0
 * to 255, a face aligned as ArcFace's → `fc1` float [batch, 128], not normalised. The file takes one face at a time.
 */
export function buildSface(file: Uint8Array): Graph {
  return unquantize(file, { name: 'sface', input: ['batch', 3, 112, 112], outputs: { fc1: ['batch', 128] } });
}

/**
 * YuNet 2023mar of the OpenCV Zoo (`face_detection_yunet_2023mar_int8bq.onnx`): `input` float [1, 3, height, width], BGR
 * from 0 to 255, of any height and width that 32 divides → classes, objectness, boxes and points of three strides. The
 * file takes 640 × 640 pixels only, though nothing inside depends on the size.
 */
export function buildYunet(file: Uint8Array): Graph {
  const depths = { cls: 1, obj: 1, bbox: 4, kps: 10 };
  const outputs: Record<string, Dimension[]> = {};
  for (const stride of [8, 16, 32])
    for (const [name, depth] of Object.entries(depths)) outputs[`${name}_${stride}`] = [1, `cells_${stride}`, depth];
  return unquantize(file, { name: 'yunet', input: [1, 3, 'height', 'width'], outputs });
}
