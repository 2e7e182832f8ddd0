-- Sessions of other Neovims: when they are asked for, how one is read along or taken over, and what was interrupted.

local nvim = require('support.nvim')
local test, equal = nvim.test, nvim.equal

local T = {}

---@param replies table
---@return table
local function env(replies)
  return { AGOR_FAKE_REPLIES = vim.json.encode(replies) }
end

local journal = {
  session_id = 'old',
  provider = 'demo',
  cwd = '/',
  started_at = 1,
  updated_at = 2,
  title = 'fix it',
  model = '',
  mode = '',
  effort = '',
  live = false,
  elsewhere = true,
  interrupted = false,
}

---@param child agor.test.Nvim
---@param take integer
local function choose(child, take)
  child:lua(
    [[local take = ...
    vim.ui.select = function(items, opts, done)
      if opts.kind ~= 'agor_elsewhere' then
        return done(items[1])
      end
      _G.asked = { opts.prompt, vim.tbl_map(opts.format_item, items) }
      done(items[take])
    end]],
    take
  )
end

T['they are asked for while somebody watches, who is told of changes only'] = test({
  env = env({
    others = { result = { { session_id = 'a', title = 'x', elsewhere = { pid = 7 } } } },
  }),
}, function(child)
  child:lua([[
    local others = require('agor.others')
    others.interval_ms = 5
    _G.changes = 0
    _G.watcher = function() _G.changes = _G.changes + 1 end
    others.watch(_G.watcher)
    others.watch(_G.watcher)
  ]])
  equal(child:wait_told('others', 3).all, true)
  child:wait_for([[#require('agor.others').list() == 1]])
  equal(child:get('changes'), 1)
  equal(child:get([[require('agor.others').list()[1].elsewhere.pid]]), 7)
  child:lua([[require('agor.others').unwatch(_G.watcher)]])
  equal(child:get([[require('agor.others').list()]]), {})
  child:cmd('AgorStart demo')
  child:wait_told('start')
  local count = #child:told('others')
  child:lua([[require('agor.rpc').notify('ps', {}, function() _G.answered = true end)]])
  child:wait_for('_G.answered')
  assert(#child:told('others') <= count + 1, 'nobody watches any more')
end)

T['a session of another Neovim is taken over when that has let go of it'] = test({
  env = env({ journals = { result = { journal } }, release = { result = vim.NIL } }),
}, function(child)
  choose(child, 2)
  child:cmd('AgorResume old')
  equal(child:wait_told('release').session_id, 'old')
  local params = child:wait_told('start')
  equal({ params.session_id, params.restore }, { 'old', true })
  equal(child:get('asked'), {
    'Session old runs in another Neovim:',
    {
      'Read along: it goes on there',
      'Take it over: its agent is ended there, and the conversation goes on here',
    },
  })
end)

T['or it is read along, and nothing is started'] = test(
  { env = env({ journals = { result = { journal } } }) },
  function(child)
    choose(child, 1)
    child:cmd('AgorResume old')
    child:wait_for([[vim.api.nvim_buf_get_name(0) == 'agor://old']])
    equal(child:told('start'), {})
    equal(child:told('release'), {})
  end
)

T['one that is kept is not started, and that is told'] = test({
  env = env({
    journals = { result = { journal } },
    release = { error = 'the other Neovim keeps session old: it is busy' },
  }),
}, function(child)
  choose(child, 2)
  child:cmd('AgorResume old')
  child:wait_note('the other Neovim keeps session old: it is busy')
  equal(child:told('start'), {})
end)

T['what was interrupted is one line, once'] = test(
  { env = env({ interrupted = { result = 2 } }) },
  function(child)
    child:cmd('AgorStart demo')
    child:wait_note('2 sessions were interrupted here: :Agor resume goes on')
    equal(child:wait_told('interrupted').cwd, child.home .. '/work')
    child:lua([[require('agor.backend').restart()]])
    child:wait_note('the backend runs again')
    equal(#child:told('interrupted'), 1)
  end
)

return T
