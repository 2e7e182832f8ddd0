-- What is said on the command line of a real screen.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

---@param child agor.test.Nvim
local function own_notify(child)
  -- The tests' stand-in away: Neovim's own as it was.
  child:lua('vim.notify = plain_notify')
end

T['a sentence longer than the line does not ask for a key and is whole in :messages'] = test(
  { ui = true },
  function(child)
    own_notify(child)
    local long = ('a sentence with ä and 漢 in it, '):rep(12) .. 'and an end'
    for _, level in ipairs({ 'info', 'warn', 'error' }) do
      child:lua(
        [[local level, text = ... vim.schedule(function() require('agor.message')[level](text) end)]],
        level,
        long
      )
      -- Looked at before :messages, which may take the line.
      local shown = child:wait_for([[(function()
      local cells = {}
      for col = 1, vim.o.columns do cells[col] = vim.fn.screenstring(vim.o.lines, col) end
      local line = table.concat(cells)
      return line:find('(:messages)', 1, true) and line
    end)()]])
      contains(shown, 'agor: a sentence with')
      equal(child:blocked(), false)
      contains(child:get([[vim.fn.execute('messages')]]), 'and an end')
      child:cmd('messages clear')
    end
  end
)

-- What stands in the last line of the screen, once it is cut there.
local CUT = [[(function()
  local cells = {}
  for col = 1, vim.o.columns do cells[col] = vim.fn.screenstring(vim.o.lines, col) end
  local line = table.concat(cells)
  return line:find('…', 1, true) and line
end)()]]

T['of a word that is longer than the line the beginning is shown'] = test(
  { ui = true },
  function(child)
    own_notify(child)
    local path = '/' .. ('folder/'):rep(60)
    child:lua(
      [[local text = ... vim.schedule(function() require('agor.message').warn(text) end)]],
      path
    )
    contains(child:wait_for(CUT), 'agor: /folder/')
    contains((child:get([[vim.fn.execute('messages')]]):gsub('%s', '')), path)
    equal(child:blocked(), false)
  end
)

T['where a float has the ruler in the last line, what is cut ends before it'] = test(
  { ui = true },
  function(child)
    own_notify(child)
    child:lua(
      [[vim.o.ruler, vim.o.laststatus = true, 2
      vim.api.nvim_open_win(0, true, { relative = 'editor', row = 1, col = 1, width = 20, height = 3 })]]
    )
    local long = ('a sentence '):rep(40)
    child:lua(
      [[local text = ... vim.schedule(function() require('agor.message').warn(text) end)]],
      long
    )
    contains(child:wait_for(CUT), '(:messages)')
  end
)

T['a short one is shown as it is'] = test({ ui = true }, function(child)
  own_notify(child)
  child:lua([[require('agor.message').info('short')]])
  contains(child:get([[vim.fn.execute('messages')]]), 'agor: short')
end)

T['below the configured level nothing is said'] = test(nil, function(child)
  child:lua([[require('agor').setup({ notify = { level = 'error' } })
    require('agor.message').warn('quiet') require('agor.message').error('loud')]])
  equal(child:notes(), 'agor: loud')
end)

T['a text of megabytes is cut'] = test(nil, function(child)
  child:lua([[require('agor.message').error(('ä漢 '):rep(500000))]])
  local note = child:notes()
  contains(note, 'ä漢 ä漢')
  contains(note, '… (whole in the transcript)')
  equal(vim.fn.strchars(note) < 2100, true)
end)

for _, keys in ipairs({ 'i', 'R', 'v', 'gh' }) do
  T['what comes by itself is seen after ' .. keys .. ", and 'showmode' comes back"] = test(
    { ui = true },
    function(child)
      own_notify(child)
      child:lua([[vim.o.showmode = true vim.fn.setline(1, 'some text')]])
      child:type(keys)
      child:wait_for([[vim.fn.mode() ~= 'n']])
      child:lua([[vim.schedule(function() require('agor.message').warn('a question waits') end)]])
      child:wait_for([[vim.fn.execute('messages'):find('a question waits', 1, true) ~= nil]])
      equal(child:get('vim.o.showmode'), false)
      child:type('<Esc>')
      child:wait_for('vim.o.showmode')
    end
  )
end

T['what is so now takes the place of what was said by the same key'] = test(nil, function(child)
  child:lua([[
    Said = {}
    vim.notify = function(text, level, opts)
      Said[#Said + 1] = { text, vim.deepcopy(opts) }
      if opts.replace == 'record 3' then error('no such notification') end
      return 'record ' .. #Said
    end
    local status = require('agor.message').status
    status('a', 'one') status('b', 'other') status('a', 'two') status('a', 'three')
  ]])
  local said = child:get('Said')
  equal(said[1], { 'agor: one', { title = 'agor', id = 'a', key = 'a' } })
  equal(said[2][2].replace, nil)
  equal(said[3], { 'agor: two', { title = 'agor', id = 'a', key = 'a', replace = 'record 1' } })
  equal(said[5], { 'agor: three', { title = 'agor', id = 'a', key = 'a' } })
end)

return T
