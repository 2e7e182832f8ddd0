-- :Agor model, mode, effort and option, for agents that offer them and for those that do not.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

local function capabilities(value)
  return { AGOR_FAKE_CAPABILITIES = vim.json.encode(value) }
end

local all = capabilities({
  interrupt = true,
  set_model = true,
  set_mode = true,
  set_effort = true,
  models = {
    { id = 'opus-5', name = 'Opus', description = 'the big one' },
    { id = 'mini', name = '', description = '' },
  },
  modes = {
    { id = 'ask', name = 'Ask', description = '' },
    { id = 'yolo', name = 'Go', description = '', asks_nothing = true },
  },
  efforts = {
    { id = 'low', name = 'Low', description = '' },
    { id = 'high', name = '', description = '' },
  },
  options = {
    {
      id = 'web',
      name = 'Web search',
      description = 'looks things up',
      value = 'off',
      choices = {
        { id = 'on', name = 'On', description = '' },
        { id = 'off', name = 'Off', description = '' },
      },
    },
  },
})

---@param child agor.test.Nvim
local function session(child)
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
  child:wait_for([[require('agor').sessions()[1].started_at == 1000]])
  child:lua([[
    vim.ui.select = function(items, opts, done)
      _G.asked = { prompt = opts.prompt, lines = vim.tbl_map(opts.format_item, items) }
      done(items[_G.take or 1])
    end]])
end

T['names are set by id, or by name in any case; completion knows the ids'] = test(
  { env = all },
  function(child)
    session(child)
    child:cmd('AgorModel opus')
    equal(child:wait_told('set_model'), { session_id = 'a', value = 'opus-5' })
    child:cmd('AgorMode ask')
    equal(child:wait_told('set_mode').value, 'ask')
    child:cmd('AgorEffort HIGH')
    equal(child:wait_told('set_effort').value, 'high')
    child:cmd('Agor effort hgih')
    contains(
      child:notes(),
      'demo offers no effort "hgih" (did you mean "high"?); there are low, high'
    )
    child:cmd('AgorOption web on')
    equal(child:wait_told('set_option'), { session_id = 'a', option = 'web', value = 'on' })
    child:cmd('Agor option webb on')
    contains(child:notes(), 'demo has no option "webb" (did you mean "web"?)')
    child:cmd('Agor option web maybe')
    contains(child:notes(), 'web cannot be "maybe"; there are on, off')
    local function complete(line)
      return child:get([[vim.fn.getcompletion(..., 'cmdline')]], line)
    end
    equal(complete('AgorEffort '), { 'low', 'high' })
    equal(complete('AgorOption '), { 'web' })
    equal(complete('Agor option web o'), { 'on', 'off' })
    equal(complete('AgorMode ask '), {})
  end
)

T['the picker shows descriptions, what holds now and what asks nothing'] = test(
  { env = all },
  function(child)
    session(child)
    child:lua([[require('agor.mirror').get('a').model = 'mini']])
    child:cmd('AgorModel')
    equal(child:get('asked'), {
      prompt = 'Model of demo (now mini):',
      lines = { 'Opus: the big one', 'mini (now)' },
    })
    equal(child:wait_told('set_model').value, 'opus-5')
    child:lua([[require('agor.mirror').get('a').mode = 'yolo']])
    child:cmd('AgorMode')
    equal(child:get('asked.prompt'), 'Mode of demo (now Go):')
    child:lua([[require('agor.mirror').get('a').mode = '']])
    child:cmd('AgorMode')
    equal(child:get('asked.lines'), { 'Ask', 'Go (asks nothing)' })
    child:cmd('AgorOption')
    equal(child:get('asked.lines'), { 'On', 'Off (now)' })
    equal(child:wait_told('set_option').value, 'on')
  end
)

T['whatever stands in a name, a line of the picker is one line'] = test({
  env = capabilities({
    set_model = true,
    models = {
      { id = 'a', name = 'A\nb \27[31m%{1}\0', description = 'x\n\n\ty' },
      { id = 'c', name = '', description = '' },
    },
    options = {
      { id = 'o', name = 'O\no', description = 'd\nd', value = 'v\nv', choices = vim.empty_dict() },
      { id = 'p', name = '', description = '', value = '', choices = vim.empty_dict() },
    },
  }),
}, function(child)
  session(child)
  child:lua([[require('agor.mirror').get('a').model = 'now\nthen']])
  child:cmd('AgorModel')
  equal(child:get('asked'), {
    prompt = 'Model of demo (now now then):',
    lines = { 'A b  [31m%{1} : x y', 'c' },
  })
  child:lua(
    [[vim.ui.select = function(items, opts) _G.asked = vim.tbl_map(opts.format_item, items) end]]
  )
  child:cmd('AgorOption')
  equal(child:get('asked'), { 'O o (now v v): d d', 'p (now )' })
end)

T['an agent that offers nothing is named, and one that has not started yet'] = test(
  { env = capabilities({ interrupt = true }) },
  function(child)
    session(child)
    for line, sentence in pairs({
      ['AgorMode'] = 'demo does not let the mode be changed in a running session',
      ['AgorModel x'] = 'demo does not let the model be changed in a running session; :AgorStart model=... starts with one',
      ['AgorEffort'] = ':AgorStart effort=... starts with one',
      ['AgorOption'] = 'demo has no options to set',
    }) do
      child:lua('notes = {}')
      child:cmd(line)
      contains(child:notes(), sentence)
    end
    child:lua([[require('agor.mirror').get('a').capabilities = {}]])
    child:cmd('AgorModel')
    contains(child:notes(), 'demo has not said yet what it offers')
    child:cmd('AgorOption')
    equal(#child:told('set_model'), 0)
    -- A name is for the backend to keep until the agent is there.
    child:cmd('AgorModel big')
    equal(child:wait_told('set_model').value, 'big')
  end
)

T['a row without capabilities keeps those that were told before'] = test(
  { env = capabilities({ interrupt = true }) },
  function(child)
    session(child)
    local kept = child:get([[(function()
      local mirror = require('agor.mirror')
      local row = vim.deepcopy(mirror.get('a'))
      row.capabilities, row.title = nil, 'changed'
      mirror.update({ row })
      mirror.update({ { session_id = 'new', started_at = 1 } })
      return { mirror.get('a').title, mirror.get('a').capabilities.interrupt, mirror.get('new').capabilities }
    end)()]])
    equal(kept, { 'changed', true, {} })
  end
)

return T
