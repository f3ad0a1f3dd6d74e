// The requests of test_clients.py, made by @supabase/postgrest-js as it comes. Usage: node postgrest_js.mjs URL BUCKET
// with the tokens in OPERATOR_TOKEN and CONSUMER_TOKEN. Prints one JSON object: answers by name.
import { PostgrestClient } from '@supabase/postgrest-js'

const [url, bucket] = process.argv.slice(2)
const client = (token) => new PostgrestClient(url, { headers: token ? { Authorization: `Bearer ${token}` } : {} })
const nobody = client()
const operator = client(process.env.OPERATOR_TOKEN)
const consumer = client(process.env.CONSUMER_TOKEN)

const requests = {
    page: () => operator.from('meters').select('meter_id, region', { count: 'exact' }).order('meter_id').range(10, 12),
    one: () => operator.from('meters').select('meter_id').eq('meter_id', 'SIM-00007').single(),
    perhaps: () => operator.from('meters').select('meter_id').eq('meter_id', 'NONE').maybeSingle(),
    not_one: () => operator.from('meters').select('meter_id').single(),
    filtered: () =>
        operator.from('readings_15m').select('meter_id, energy_kwh').in('meter_id', ['SIM-00001', 'SIM-00002'])
            .gte('bucket', bucket).order('meter_id').order('bucket', { ascending: false }).limit(3),
    either: () =>
        operator.from('meters').select('meter_id').or('meter_id.eq.SIM-00001,meter_id.like.*100').order('meter_id'),
    counted: () => operator.from('readings').select('*', { count: 'exact', head: true }),
    own: () => consumer.from('meters').select('meter_id'),
    call: () => consumer.rpc('set_threshold', { meter_id: 'SIM-00001', kwh: 1.5 }),
    call_by_get: () => consumer.rpc('estimate_bill', { kwh: 100, region: 'north' }, { get: true }),
    call_with_json: () => consumer.rpc('set_preferences', { preferences: { language: 'de', tags: ['a', 'b'] } }),
    table_call: () => operator.rpc('register_meters', { meters: [{ meter_id: 'ZZ-JS', region: 'west' }] }),
    none: () => nobody.from('meters').select(),
    not_mine: () => consumer.from('users').select(),
    not_there: () => consumer.rpc('set_threshold', { meter_id: 'SIM-00002', kwh: 1 }),
    not_writable: () => operator.from('meters').insert({ meter_id: 'X' }),
    not_a_view: () => operator.from('no_such_view').select(),
}

const answers = {}
for (const [name, request] of Object.entries(requests)) {
    const { data, error, count, status } = await request()
    answers[name] = { data, count, status, error: error && { ...error, message: error.message } }
}
console.log(JSON.stringify(answers))
