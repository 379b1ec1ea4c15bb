import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { describeDigests } from '../../contract/digests.ts'

describeDigests('node-crypto', createDigests)
