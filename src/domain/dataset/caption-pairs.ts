import { fileKind } from './file-kind.ts'

export interface PairWarning {
  readonly code: 'missing-caption' | 'orphan-caption' | 'shared-caption'
  readonly file: string
  readonly detail: string
}

export interface CaptionPairs {
  /** The caption of each image that has one. */
  readonly captionOf: ReadonlyMap<string, string>
  /** In the order of the names given. */
  readonly warnings: readonly PairWarning[]
}

/**
 * Pairs images with captions the way trainers do: `a.jpg` with `a.txt`, stems compared exactly. Other files are ignored.
 * Names are expected in Unicode form C.
 */
export function pairCaptions(names: readonly string[]): CaptionPairs {
  const captionByStem = new Map<string, string>()
  const imagesByStem = new Map<string, string[]>()
  for (const name of names) {
    const kind = fileKind(name)
    const stem = stemOf(name)
    if (kind === 'image') imagesByStem.set(stem, [...(imagesByStem.get(stem) ?? []), name])
    // Of `a.TXT` and `a.txt`, trainers open the second.
    if (kind === 'caption' && (!captionByStem.has(stem) || name.endsWith('.txt'))) captionByStem.set(stem, name)
  }

  const captionOf = new Map<string, string>()
  const warnings: PairWarning[] = []
  for (const name of names) {
    const kind = fileKind(name)
    const stem = stemOf(name)
    const caption = captionByStem.get(stem)
    const images = imagesByStem.get(stem)
    if (kind === 'image') {
      if (caption === undefined) warnings.push({ code: 'missing-caption', file: name, detail: `no ${stem}.txt` })
      else captionOf.set(name, caption)
      // Trainers also name their caches after the stem, so this matters even without a caption.
      const first = images?.[0]
      if (first !== undefined && first !== name) {
        warnings.push({ code: 'shared-caption', file: name, detail: `shares ${stem}.txt with ${first}` })
      }
    }
    if (kind === 'caption' && (images === undefined || caption !== name)) {
      warnings.push({ code: 'orphan-caption', file: name, detail: orphanDetail(stem, caption, name) })
    }
  }
  return { captionOf, warnings }
}

function orphanDetail(stem: string, caption: string | undefined, name: string): string {
  return caption === name ? `no image is named ${stem}` : `${caption} is the caption of ${stem}`
}

function stemOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot === -1 ? name : name.slice(0, dot)
}
