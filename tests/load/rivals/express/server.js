// What a team with Node would write: Express 4 and node-redis 4, a cached product answered as it lies in Redis.
const express = require('express')
const { createClient } = require('redis')

const app = express()
const cache = createClient({ url: process.env.REDIS_URL })

app.get('/product/:id', async (request, response) => {
  const body = await cache.get(`p1:${request.params.id}`)
  if (body === null) return response.status(404).json({ message: 'not in the cache' })
  response.type('application/json').send(body)
})

cache.connect().then(() => app.listen(Number(process.env.PORT), '127.0.0.1'))
