import type { ProcessState } from '../../../domain/process/process-state.ts'
import type { Result } from '../../../domain/result/result.ts'
import { fileId } from './file-id.ts'
import { jobIn, textIn } from './shown-config.ts'
import { formatSize } from './size.ts'

const loras = /\.(?:safetensors|ckpt|pth?)$/i
const images = /\.(?:png|jpe?g|webp|gif|bmp)$/i

export const isLora = ({ kind, name }: Result): boolean => kind === 'lora' && loras.test(name)
export const isImage = ({ kind, name }: Result): boolean => kind !== 'lora' && images.test(name)

interface Listed {
  /** Before the keys of the store, as the folder is called on a mounted volume. */
  readonly storePrefix: string
}

/** A file of the Downloads tab. The id of an image stands for its process, too: that tab asks for one image by it. */
export function fileRow(result: Result, { storePrefix }: Listed) {
  const { key, name, sizeBytes, lastModified } = result
  const id = fileId(key)
  return {
    id,
    filename: name.slice(name.lastIndexOf('/') + 1),
    path: `${storePrefix}/${key}`,
    size: sizeBytes,
    size_formatted: formatSize(sizeBytes),
    created_at: lastModified.toISOString(),
    process_id: isImage(result) ? id : result.process,
  }
}

/** A LoRA as a model to generate with; what it was trained for is its process's to say. */
export function modelRow(result: Result, trainedBy: ProcessState | undefined, { storePrefix }: Listed) {
  const { key, name, sizeBytes, lastModified } = result
  const job = trainedBy && jobIn(trainedBy.config)
  const base = textIn(job?.model, 'name_or_path')
  const triggerWord = job?.triggerWord
  return {
    id: fileId(key),
    name: name.slice(name.lastIndexOf('/') + 1),
    path: `${storePrefix}/${key}`,
    size: sizeBytes,
    created_at: lastModified.toISOString(),
    metadata: {
      ...(triggerWord !== undefined && { trigger_word: triggerWord }),
      ...(trainedBy !== undefined && { steps: trainedBy.totalSteps ?? trainedBy.step }),
      ...(base !== undefined && { model_type: base.slice(base.lastIndexOf('/') + 1) }),
    },
  }
}
